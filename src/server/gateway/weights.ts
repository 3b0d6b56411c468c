type Weighed = { readonly weight?: number };

/**
 * Weighted routes in an order that favours the heavy ones, then those without a weight as they stand. `draws` gives [0, 1), at
 * random or by what a request and a route have in common.
 */
export function order<Route extends Weighed>(
  routes: readonly Route[],
  draws: (route: Route) => number,
): readonly Route[] {
  // Efraimidis and Spirakis: sorting by random^(1/weight) draws without replacement in proportion to the weights.
  const weighted = routes
    .filter((route) => route.weight !== undefined)
    .map((route) => ({ route, rank: draws(route) ** (1 / (route.weight ?? 1)) }))
    .toSorted((a, b) => b.rank - a.rank)
    .map(({ route }) => route);
  return [...weighted, ...routes.filter((route) => route.weight === undefined)];
}

/** The heaviest first, for showing. */
export function byWeight<Route extends Weighed>(routes: readonly Route[]): readonly Route[] {
  return routes.toSorted((a, b) => (b.weight ?? 0) - (a.weight ?? 0));
}
