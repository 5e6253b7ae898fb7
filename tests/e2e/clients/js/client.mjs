// EKS by the SDK for JavaScript: reads a call a line, as JSON, and prints what came of it. Where EKS is, and whose key
// signs, it knows from the environment alone, by the SDK.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import * as sdk from "@aws-sdk/client-eks";

const eks = new sdk.EKSClient({});

// A moment as its seconds since 1970: `toJSON` of a date has come first.
function plain(name, value) {
  return this[name] instanceof Date ? this[name].getTime() / 1000 : value;
}

// All pages as the SDK reads them, in one.
async function paged({ call, input }) {
  const associations = [];
  let pages = 0;
  for await (const page of sdk[`paginate${call}`]({ client: eks }, input)) {
    associations.push(...page.associations);
    pages += 1;
  }
  return { associations, pages };
}

async function answer(line) {
  try {
    if (line.paged) return { output: await paged(line) };
    const { $metadata, ...output } = await eks.send(new sdk[`${line.call}Command`](line.input));
    return { output };
  } catch (error) {
    return { error: error.name, class: error.constructor.name, message: error.message };
  }
}

const { version } = JSON.parse(readFileSync(new URL("node_modules/@aws-sdk/client-eks/package.json", import.meta.url)));
console.log(JSON.stringify({ version }));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line)), plain));
}
