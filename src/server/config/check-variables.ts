import { baseUrlProblem, isHeaderText } from "./check-providers.ts";
import type { Fault } from "./faults.ts";
import { knownProviders } from "./known-providers.ts";
import type { Environment } from "./references.ts";

/** Keys and addresses of providers in the environment that cannot be used. */
export function checkVariables(env: Environment): readonly Fault[] {
  const faults = new Map<string, Fault>();
  const check = (variable: string, problemOf: (text: string) => string | undefined): void => {
    const problem = env[variable] ? problemOf(env[variable]) : undefined;
    if (problem !== undefined)
      faults.set(variable, { source: "environment", field: variable, problem });
  };
  for (const { keyVariables, baseUrlVariables } of knownProviders) {
    for (const variable of keyVariables) check(variable, keyProblem);
    for (const variable of baseUrlVariables) check(variable, baseUrlProblem);
  }
  return [...faults.values()];
}

function keyProblem(text: string): string | undefined {
  return isHeaderText(text)
    ? undefined
    : "holds a line end or a character that no header can carry";
}
