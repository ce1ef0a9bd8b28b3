import assert from "node:assert/strict";
import test from "node:test";
import { foreignHost, piecesOf } from "../page/view/links.js";

const links = (text, clipped) => piecesOf(text, clipped).filter((p) => p.url).map((p) => p.text);

test("addresses of the web are links, and nothing else is", () => {
	for (const [text, want] of [
		["see https://a.example/x?y=1#z, please", ["https://a.example/x?y=1#z"]],
		["(http://a.example/b_(c)) and HTTPS://B.example.", ["http://a.example/b_(c)", "HTTPS://B.example"]],
		["“https://a.example/”… <https://b.example/>", ["https://a.example/", "https://b.example/"]],
		["https://a.example:8443/ü?q=ß", ["https://a.example:8443/ü?q=ß"]],
		["https://a.example\u00a0x https://b.example\u2028y", ["https://a.example", "https://b.example"]],
		["javascript:alert(1) data:text/html,x file:///etc/passwd ftp://a.example blob:https:x", []],
		["javascript:x//https://a.example", ["https://a.example"]],
		["xhttps://a.example https:/a.example https:// https://", []],
		["https://bank.example@evil.example/ https://u:p@evil.example", []],
		["https://[::1]/ https://[x/ https://a b", ["https://[::1]/", "https://a"]],
		["https://" + "a".repeat(3000), []],
		["", []],
	]) assert.deepEqual(links(text), want, text);
});

test("all of a text is in its pieces", () => {
	for (const text of ["", "a", "https://a.example", " https://a.example. https://b.example@c ", "https://a.example" + " x".repeat(5000)]) {
		for (const clipped of [false, true]) assert.equal(piecesOf(text, clipped).map((p) => p.text).join(""), text);
	}
});

test("what is cut is no address", () => {
	assert.deepEqual(links("https://a.example/ and https://b.examp…", true), ["https://a.example/"]);
	assert.deepEqual(links("https://b.example/ and…", true), ["https://b.example/"]);
});

test("hosts that can look like others are told by their real names", () => {
	for (const [written, host, foreign] of [
		["https://a.example/x", "a.example", ""], ["HTTPS://A.Example", "a.example", ""],
		["https://xn--pypal-4ve.example", "xn--pypal-4ve.example", ""],
		["https://pаypal.example/x", "xn--pypal-4ve.example", "pаypal.example"], // its first a is Cyrillic
		["https://bücher.example", "xn--bcher-kva.example", "bücher.example"],
		["http://0x7f.1/", "127.0.0.1", "0x7f.1"],
		["https://ⓔvil.example", "evil.example", "ⓔvil.example"],
	]) {
		const [{ url }] = piecesOf(written);
		assert.equal(url.hostname, host);
		assert.equal(foreignHost(written, url), foreign, written);
	}
});
