// Reads numpy's .npz: a zip archive whose members are .npy files, stored or deflated.
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

const END = 0x06054b50; // signatures of the zip format
const ENTRY = 0x02014b50;

/** Arrays of an .npz file by name: { data: Float32Array, shape: number[] }, C order. */
export function readNpz(path) {
  const zip = readFileSync(path);
  let end = zip.length - 22;
  while (zip.readUInt32LE(end) !== END) end -= 1;
  let at = zip.readUInt32LE(end + 16);
  const arrays = {};
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== ENTRY) throw new Error(`${path}: damaged directory`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((o) => zip.readUInt16LE(at + o));
    const name = zip.toString("utf8", at + 46, at + 46 + nameLength);
    arrays[name.replace(/\.npy$/, "")] = readNpy(member(zip, at));
    at += 46 + nameLength + extraLength + commentLength;
  }
  return arrays;
}

/** Bytes of the member whose directory entry lies at `at`. */
function member(zip, at) {
  const method = zip.readUInt16LE(at + 10);
  const size = zip.readUInt32LE(at + 20);
  const local = zip.readUInt32LE(at + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const packed = zip.subarray(start, start + size);
  if (method === 0) return packed;
  if (method === 8) return inflateRawSync(packed);
  throw new Error(`compression method ${method} is not read`);
}

/** A .npy file of little-endian float32 or float16 in C order. */
function readNpy(bytes) {
  const long = bytes[6] > 1; // format version 2 has a longer length field
  const start = (long ? 12 : 10) + (long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString("latin1", long ? 12 : 10, start);
  const kind = header.match(/'descr': '([^']+)'/)[1];
  if (header.includes("'fortran_order': True")) throw new Error("Fortran order is not read");
  const shape = header.match(/'shape': \(([^)]*)\)/)[1].split(",").filter((s) => s.trim()).map(Number);
  const count = shape.reduce((product, side) => product * side, 1);
  if (kind === "<f4") {
    return { shape, data: Float32Array.from({ length: count }, (_, i) => bytes.readFloatLE(start + 4 * i)) };
  }
  if (kind === "<f2") {
    return { shape, data: Float32Array.from({ length: count }, (_, i) => half(bytes.readUInt16LE(start + 2 * i))) };
  }
  throw new Error(`numbers of type ${kind} are not read`);
}

/** The value of an IEEE half-precision number. */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
