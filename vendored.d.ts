// The type check reads this instead of the vendored file; the package is of the same version.
declare module "*/vendored/uplot/uPlot.esm.js" {
  import uPlot from "uplot";
  export default uPlot;
}
