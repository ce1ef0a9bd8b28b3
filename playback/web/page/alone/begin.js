/**
 * Begins what takes longest while the rest of the page is on its way: the program that
 * decrypts is fetched, compiled, and begun in a worker. A classic script in the head,
 * behind #parts.
 */
(() => {
	const root = document.documentElement;
	// A page around this one could lead a reader's clicks, and show what is typed where.
	if (top !== self) {
		root.dataset.framed = "";
		return;
	}
	/** @param {string} id */
	const text = (id) => document.getElementById(id)?.textContent ?? "";
	const parts = JSON.parse(text("parts"));

	// A connection takes some round trips, and a link is to one of these. Fetches of the page
	// go without credentials, and so do connections of theirs.
	if (location.hash.length > 1) {
		for (const href of parts.stores.filter((/** @type {string} */ s) => /^https?:\/\/[^*]+$/.test(s))) {
			document.head.append(Object.assign(document.createElement("link"), { rel: "preconnect", href, crossOrigin: "anonymous" }));
		}
	}

	/**
	 * A part of the page as it was built, by its address or out of the page itself.
	 * @param {string} name
	 * @param {string} type
	 */
	const part = async (name, type) => {
		const { address, integrity } = parts[name];
		if (address) return fetch(new URL(address, document.baseURI), { integrity, credentials: "omit" });
		const packed = Uint8Array.from(atob(text(name)), (c) => c.charCodeAt(0));
		const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
		return new Response(stream, { headers: { "Content-Type": type } });
	};
	const compiled = async () => {
		const answer = await part("wasm", "application/wasm");
		if (!answer.ok) throw new Error(`${parts.wasm.address}: ${answer.status}`);
		// Hosts that do not know the type are many.
		if (answer.headers.get("Content-Type") === "application/wasm") return WebAssembly.compileStreaming(answer);
		return WebAssembly.compile(await answer.arrayBuffer());
	};
	const source = parts.worker.direct ? null : part("worker", "text/javascript").then((answer) => answer.text());
	const program = compiled();
	for (const promise of [source, program]) promise?.catch(() => {}); // whoever waits for it is told

	/** A worker of the page. Its script has no integrity where it is loaded by its address. */
	const load = async () => {
		if (!source) return new Worker(new URL(parts.worker.address, document.baseURI));
		const url = URL.createObjectURL(new Blob([await source], { type: "text/javascript" }));
		const begun = new Worker(url);
		URL.revokeObjectURL(url);
		return begun;
	};
	/** A worker that runs the program, which waits to be told what for. */
	const begin = async () => {
		const begun = await load();
		try {
			const ready = new Promise((ok, no) => {
				begun.onmessage = ({ data }) => data.ready ? ok(undefined) : no(new Error(String(data.ended)));
				begun.onerror = (event) => {
					event.preventDefault();
					no(new Error(event.message || "the worker did not start"));
				};
			});
			ready.catch(() => {}); // if the program does not come at all
			begun.postMessage({ program: await program });
			await ready;
		} catch (err) {
			begun.terminate();
			throw err;
		}
		return begun;
	};
	/** @type {Promise<Worker>|null} the first one, which nobody has asked for yet */
	let first = begin();
	first.catch(() => {});
	const worker = () => {
		const begun = first ?? begin();
		first = null;
		return begun;
	};
	Object.assign(globalThis, { sealtapeParts: { worker, version: parts.version, stores: parts.stores } });
})();
