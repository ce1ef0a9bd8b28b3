import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";
import { choose, parts, say } from "../page/view/language.js";
import { words as en } from "../page/view/languages/en.js";
import { stringsOf } from "./strings.mjs";

const page = new URL("../page/", import.meta.url);
const names = ["en", "de", "fr", "es"];
const languages = await Promise.all(names.map(async (name) => [name, (await import(`../page/view/languages/${name}.js`)).words]));
const read = (name) => fs.readFileSync(new URL(name, page), "utf8");
const views = fs.readdirSync(new URL("view/", page), { recursive: true }).filter((n) => n.endsWith(".js") && !n.startsWith("languages/"));
const documents = ["index.html", "watch.html", "alone/player.html"];

const places = (text) => [...new Set(text.match(/\{\w+\}/g))].sort().join();
const forms = (text) => typeof text === "string" ? { other: text } : text;

test("every language has every text, with the same places", () => {
	assert.deepEqual(fs.readdirSync(new URL("view/languages/", page)).sort(), names.map((n) => n + ".js").sort());
	for (const [name, words] of languages) {
		assert.deepEqual(Object.keys(words).sort(), Object.keys(en).sort(), name);
		for (const [key, text] of Object.entries(words)) {
			const ours = forms(text), theirs = forms(en[key]);
			assert.equal(typeof text, typeof en[key], `${name} ${key}: one form or several`);
			assert.equal(places(ours.other), places(theirs.other), `${name} ${key}`);
			for (const [form, t] of Object.entries(ours)) {
				assert.ok(t.trim() !== "" && t === t.trim(), `${name} ${key}: "${t}"`);
				assert.ok(new Intl.PluralRules(name).resolvedOptions().pluralCategories.includes(form), `${name} has no ${form}`);
				// One may do without its number.
				if (form !== "other") assert.equal(places(ours.other.includes("{n}") ? t + "{n}" : t), places(ours.other), `${name} ${key} ${form}`);
			}
			if (typeof text !== "string") assert.ok(ours.one && ours.other, `${name} ${key}`);
		}
	}
});

// A text that is English in another language was forgotten, unless it is the same there.
test("every text is translated", () => {
	const same = new Set();
	for (const [name, words] of languages) {
		if (name === "en") continue;
		for (const [key, text] of Object.entries(words)) {
			if (forms(text).other === forms(en[key]).other && /\p{L}{3}/u.test(forms(text).other.replace(/\{\w+\}/g, ""))) same.add(`${name} ${key}`);
		}
	}
	const right = /^(title\.watch|start\.title|live|pause|.*\.live|panel\.tabs|.*\.chat|feed\.details|badge\.problem\.segment|tile\.options|volume|volume\.now|layout\..*|card\.problem|library\.state\.open|codec.unknown|player|page|source\..*)$/;
	for (const s of same) assert.match(s.split(" ")[1], right, s);
});

test("every text is used", () => {
	const alone = fs.readdirSync(new URL("alone/", page)).filter((n) => n !== "keys_web.js").map((n) => "alone/" + n);
	const code = views.map((n) => "view/" + n).concat(documents, alone).map(read).join("\n");
	for (const key of Object.keys(en)) assert.ok(code.includes(`"${key}"`), `nothing says ${key}`);
});

test("documents name texts that are there", () => {
	for (const name of documents) {
		for (const [, key] of read(name).matchAll(/data-say(?:-[a-z-]+)?="([^"]*)"/g)) assert.ok(key in en, `${name}: ${key}`);
	}
});

/** Code after which a string is not for people. */
const unseen = new RegExp([
	/(querySelector(All)?|closest|matches|matchMedia|createElement(NS)?|getElementById|byID|getContext|contains|add|remove|toggle|has)(<[^>]*>)?\($/,
	/(addEventListener|removeEventListener|dispatchEvent|new Event|setAttribute|removeAttribute|getAttribute|setProperty|getPropertyValue|stored?|field)\($/,
	/(closest|closestTo)\(\w+, $/, /\b(class|id|type|role|className|for|autocomplete|popover|htmlFor|tabIndex|rel|target|scope|spellcheck|accept): $/,
	/"(aria-(keyshortcuts|haspopup|controls|labelledby|pressed|hidden|live|expanded|describedby|orientation|modal|selected|current)|data-[a-z-]+)": $/,
	/\b(from|import|case|in) $/, /[!=]== $/, /import\($/, /new Error\($/, /\bkey\.startsWith\($/, /\.(join|split|includes|startsWith|endsWith|replace|test)\($/,
	/setAttribute\("[^"]*", $/, /\bsay\(.*$/, /\bparts\(.*$/, /\bspread\(.*$/, /\bs\(("\w+", )?.*$/, /dataset\.\w+ = $/, /style\.[\w.]+ = $/,
].map((r) => r.source).join("|"));

const seen = /(textContent|innerText|title|placeholder|ariaLabel|alt|label) = $|"aria-(label|valuetext|description)": $|\b(title|placeholder|alt|label): $|(announce|toast|relabel)\($/;

test("no other module has words", () => {
	const faults = (code) => stringsOf(code).filter(({ text, before }) => {
		if (!/\p{L}{2}/u.test(text)) return false;
		if (seen.test(before)) return !(text in en && text.includes("."));
		if (text in en || unseen.test(before)) return false;
		// Words are several, or begin with a capital.
		return /\p{L}[,:;.!?’…]* +\p{L}/u.test(text) || /^\p{Lu}\p{Ll}+/u.test(text) || /[’…]/.test(text);
	}).map((f) => f.text);
	for (const [code, want] of [
		['el("p", {}, "Nothing here")', ["Nothing here"]], ['x.textContent = "live"', ["live"]], ['announce("muted")', ["muted"]],
		["toast(`Speed ${rate}`)", ["Speed "]], ['b.title = on ? "Full screen" : "x"', ["Full screen"]],
		['el("p", { class: "one two" }, say("play"))', []], ['// It says "Play it"\nf("x")', []], ['document.querySelector("a b c")', []],
	]) assert.deepEqual(faults(code), want, code);
	for (const name of views) {
		if (name !== "icons.js") assert.deepEqual(faults(read("view/" + name)).filter((text) => !proper.test(text)), [], name);
	}
	for (const name of documents) {
		const text = read(name).replace(/<noscript>[^]*?<\/noscript>|<[^>]*>|&\w+;/g, " ").replace(/<!doctype html>/, "");
		assert.deepEqual(text.match(/\p{L}+/gu) ?? [], name === "index.html" ? ["Sealtape"] : [], name);
		assert.doesNotMatch(read(name), /\s(title|placeholder|alt|aria-label)="/);
	}
});

/** Names of products, keys, codecs, commands and attributes are the same in all languages. */
const proper = /^(Sealtape|sealtape [a-z]+( ')?|Arrow(Up|Down|Left|Right)|Page(Up|Down)|Home|End|Escape|Enter|Tab|Space|Opus|H\.26[45]( \(HEVC\))?|Number|AltGraph|k Space|everybody has left|nobody came|duration reached|the room has ended|unknown server-injected frame)$/;

test("what is said without scripts is said in every language", () => {
	for (const name of documents) {
		const [, text] = read(name).match(/<noscript>([^]*?)<\/noscript>/);
		assert.deepEqual([...text.matchAll(/<p class="noscript" lang="(\w+)">/g)].map((m) => m[1]), names, name);
	}
});

test("the language is the first that there are words in", () => {
	for (const [wanted, want] of [
		[["de-AT", "en"], ["de", "de-AT"]], [["pl", "fr-CA", "en"], ["fr", "fr-CA"]], [["pl"], ["en", "en"]], [[], ["en", "en"]], [["EN-us"], ["en", "EN-us"]],
		[["constructor", "es"], ["es", "es"]],
	]) assert.deepEqual(Object.values(choose(wanted)), want);
});

test("places are filled, and what is no string stays apart", () => {
	const node = {};
	assert.deepEqual(parts("event.join", { who: node }), [node, " joined"]);
	assert.equal(say("library.count", { n: 1 }), "1 recording");
	assert.equal(say("library.count", { n: 1234 }), "1,234 recordings");
	assert.equal(say("stage.page", { page: 1, pages: 2 }), "1 of 2");
	// What fills a place has no places.
	assert.equal(say("volume.of", { name: "{name} $& {n}" }), "Volume of {name} $& {n}");
});
