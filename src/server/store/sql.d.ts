/** Migrations are imported as text: `import sql from "…/0001_….sql" with { type: "text" }`. */
declare module "*.sql" {
  const text: string;
  export default text;
}
