// The page's files are modules by how the page loads them. Node goes by a
// package.json or the name's end, of which the page has neither.
import { register } from "node:module";

const hook = `export async function load(url, context, next) {
	return next(url, url.includes("/web/page/") ? { ...context, format: "module" } : context);
}`;
register("data:text/javascript," + encodeURIComponent(hook));
