// Runs the program as the page does, in a worker of Node, over the objects of a folder,
// and a script of a test: node run.mjs CONFIG SCRIPT. It prints what the script returns.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { register } from "node:module";

// The page's files are modules by how the page loads them.
const hook = `export async function load(url, context, next) {
	return next(url, url.includes("/web/page/") ? { ...context, format: "module" } : context);
}`;
register("data:text/javascript," + encodeURIComponent(hook));
const { WorkerSource } = await import("../../../playback/web/page/alone/worker_source.js");

const [config, script] = await Promise.all(process.argv.slice(2, 4).map((name) => readFile(name, "utf8")));
const { program, worker: text, settings, secrets, share } = JSON.parse(config);
let { folder, change: atFirst } = JSON.parse(config);

const shim = `const { parentPort } = require("node:worker_threads");
globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
parentPort.on("message", (data) => globalThis.onmessage({ data }));
`;

/** @type {PageWorker} */
let last;

/** What the page knows of a worker, by Node's. */
class PageWorker {
	constructor() {
		last = this;
		this.worker = new Worker(shim + text, { eval: true, stdout: true, stderr: true });
		this.worker.on("message", (data) => this.onmessage?.({ data }));
		this.worker.on("error", (err) => console.error(err) ?? this.onerror?.({ preventDefault() {} }));
	}

	postMessage(message, transfer) {
		this.worker.postMessage(message, transfer);
		if (message.ask && fatal(message)) this.fail();
	}

	/** fail asks what the program trips over. */
	fail() {
		this.worker.postMessage({ ask: "no number", what: "", detail: {} });
	}

	terminate() {
		this.worker.terminate();
	}
}

const asked = [], epochs = [], heads = new Map();
let fatal = () => false;
let change = new Function(`return ${atFirst ?? "(name, bytes) => bytes"}`)();
const store = {
	async get(name, { signal, max } = {}) {
		asked.push(name);
		const bytes = new Uint8Array(await change(name, await readFile(join(folder, name)).catch(() => null), signal) ?? []);
		if (bytes.length === 0) throw { kind: "absent", message: "not there" };
		if (bytes.length > max) throw { kind: "tooLarge", message: "too large" };
		return { bytes, digest: new Uint8Array(createHash("sha256").update(bytes).digest()) };
	},
	list: async () => { throw { kind: "notListed", message: "by name only" }; },
};
const keyring = {
	async openEpoch(id, epoch, files) {
		epochs.push({ epoch, files: files.length, bytes: files.reduce((n, file) => n + file.length, 0) });
		return secrets[epoch] ?? null;
	},
	openShare: async () => share ?? null,
};
const memory = {
	load: async (id) => heads.get(id) ?? null,
	async replace(id, seen, head) {
		if ((heads.get(id) ?? null) !== seen) return false;
		heads.set(id, head);
		return true;
	},
};
const code = await WebAssembly.compile(await readFile(program));
/** begun is a worker that runs the program, as begin.js of the page begins one. */
async function begun() {
	const worker = new PageWorker();
	await new Promise((ok, no) => {
		worker.onmessage = ({ data }) => data.ready ? ok() : no(new Error(data.ended));
		worker.postMessage({ program: code });
	});
	return worker;
}
const source = new WorkerSource({ worker: begun, settings, around: { store, keyring, heads: memory } });
const id = settings.recording;
const trouble = (promise) => promise.then(() => "no trouble", (err) => err.kind === "later" ? `later ${err.why}` : err.kind ?? String(err));
const segment = async (number, uids, signal = null) => {
	const parts = [];
	await source.segment(id, number, uids, signal, (uid, list) => parts.push(...list));
	return parts;
};
const AsyncFunction = (async () => {}).constructor;
const found = await new AsyncFunction("with_", `const { source, id, asked, epochs, heads, trouble, segment, setChange, setFatal, setFolder, fail } = with_;\n${script}`)(
	{ source, id, asked, epochs, heads, trouble, segment, setChange: (f) => change = f, setFatal: (f) => fatal = f, setFolder: (f) => folder = f, fail: () => last.fail() });
console.log(JSON.stringify(found));
source.close();
process.exit(0);
