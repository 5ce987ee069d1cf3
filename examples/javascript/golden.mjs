// Runs a model folder in Node and checks the answer:  node golden.mjs MODEL_FOLDER
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";
import { readNpz } from "./npz.mjs";

const TOLERANCE = 1e-3; // probability or logit

const folder = process.argv[2];
const contract = JSON.parse(readFileSync(join(folder, "contract.json"), "utf8"));
const golden = readNpz(join(folder, "golden.npz"));
const session = await ort.InferenceSession.create(join(folder, "model.onnx"));

const inputs = {};
for (const name of session.inputNames) {
  inputs[name] = new ort.Tensor("float32", golden[name].data, golden[name].shape);
}
const answers = await session.run(inputs);

console.log(`${contract.name} ${contract.version}`);
for (const name of session.outputNames) {
  const truth = golden[name].data;
  if (answers[name].data.length !== truth.length) throw new Error(`${name}: another shape`);
  const deviation = answers[name].data.reduce((most, value, i) => Math.max(most, Math.abs(value - truth[i])), 0);
  console.log(`${name}: deviates by ${deviation.toExponential(1)}, at most ${TOLERANCE} is right`);
  if (!(deviation <= TOLERANCE)) process.exitCode = 1;
}
