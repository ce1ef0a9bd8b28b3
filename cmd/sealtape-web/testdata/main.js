/** The page of the tests: keys and memory are as the tests say, all else is the page's. */
import { AheadStore } from "./ahead.js";
import { parts } from "./parts.js";
import { FetchStore } from "./store.js";
import { WorkerSource } from "./worker_source.js";
import { showFault } from "../view/failure.js";
import { fillIcons } from "../view/icons.js";
import { fillWords } from "../view/language.js";
import { labelThemeButtons } from "../view/theme_button.js";
import { watch } from "../view/watch_page.js";

async function main() {
	fillWords();
	fillIcons();
	labelThemeButtons();
	const { invitation, settings, secrets } = await (await fetch("config.json")).json();
	const opened = window.opened = [];
	const keyring = {
		openEpoch: async (id, epoch, files) => {
			opened.push({ id, epoch, bytes: files.reduce((n, file) => n + file.length, 0) });
			return secrets[epoch] ?? null;
		},
		openShare: async () => null,
	};
	const heads = {
		load: async (id) => localStorage.getItem(`head/${id}`),
		replace: async (id, seen, head) => {
			if (localStorage.getItem(`head/${id}`) !== seen) return false;
			localStorage.setItem(`head/${id}`, head);
			return true;
		},
	};
	const { worker } = parts();
	const store = new AheadStore(new FetchStore(invitation), { size: 1, share: "", from: settings.at ?? 0, ...invitation });
	const begun = async () => window.worker = await worker();
	const source = window.source = new WorkerSource({ worker: begun, settings, around: { store, keyring, heads } });
	return watch(source, invitation.recording);
}

const opened = main().catch((err) => {
	showFault(err);
	return null;
});
opened.then((shown) => window.sealtape = shown);
