// Imports the identity on standard input, keeps it on a shelf, and exports it from there.
import { readFileSync } from 'node:fs';
import { Identity } from '../web/identity.js';

const passphrase = process.argv[2];
const kept = new Map();
const shelf = { get: async (key) => kept.get(key), set: async (key, value) => { kept.set(key, structuredClone(value)); } };
await (await Identity.import(readFileSync(0, 'utf8'), passphrase)).save(shelf);
process.stdout.write(await (await Identity.load(shelf)).export(passphrase, 10));
