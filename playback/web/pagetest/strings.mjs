// Finds the strings of JavaScript, for tests of what the page says.

/** What may stand before a regular expression, and not before a division. */
const beforeExpression = /(^|[=(,:;!&|?{}\[\n]|=>|return)\s*$/;

/**
 * stringsOf returns the strings and the pieces of templates in a module, each with the
 * code before it on its line and after it. Comments and regular expressions are none.
 */
export function stringsOf(code) {
	const found = [];
	const token = /\/\*[^]*?\*\/|\/\/[^\n]*|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\[^])*)`|\/(?![*\/])(?:[^\/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g;
	for (let m; (m = token.exec(code));) {
		const before = code.slice(code.lastIndexOf("\n", m.index) + 1, m.index), after = code.slice(token.lastIndex, token.lastIndex + 20);
		if (m[0].startsWith("/")) {
			if (!/^\/[*\/]/.test(m[0]) && !beforeExpression.test(code.slice(0, m.index))) token.lastIndex = m.index + 1;
			continue;
		}
		const text = m[1] ?? m[2] ?? m[3];
		if (m[3] === undefined) found.push({ text, before, after });
		else for (const piece of text.split(/\$\{[^}]*\}/)) found.push({ text: piece, before, after });
		// What templates compute may have strings, too.
		if (m[3] !== undefined) for (const [, inner] of text.matchAll(/\$\{([^}]*)\}/g)) found.push(...stringsOf(inner));
	}
	return found;
}
