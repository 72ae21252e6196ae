// Makes the console's typeface from the variable font of a package: `node typeface.mjs FROM TO`.
//
// Latin alone, with its figures of one width; other scripts come from the reader's system.
import { readFileSync, writeFileSync } from "node:fs";
import subset from "subset-font";

const [from, to] = process.argv.slice(2);
const range = (first, last) => String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, at) => first + at));
const latin = range(0x20, 0x7e) + range(0xa0, 0x17f) + "ȘșȚț";
const signs = "–—‘’“”„†•…‰‹›⁄€™−∞≈≠≤≥▲▼←↑→↓×";
writeFileSync(
  to,
  await subset(readFileSync(from), latin + signs, {
    targetFormat: "woff2",
    variationAxes: { opsz: 14, wght: { min: 400, max: 700 } },
    keepFeatures: ["kern", "tnum", "ccmp", "locl"],
    noHinting: true,
  }),
);
