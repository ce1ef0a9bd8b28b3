// People with Matrix accounts, as Element has them, driven from Go (matrixjs.go) by the
// functions of window.people. Each has a client of matrix-js-sdk, with its encryption, and
// is in one call at most.
import { Person } from './person.js';

const all = new Map();

// What the libraries say is kept, to be shown where a test fails, and not sent to Go line by line.
const lines = [];
for (const level of ['debug', 'log', 'info', 'warn', 'error', 'trace']) {
  console[level] = (...parts) => {
    if (level === 'trace' || level === 'debug') return;
    const text = parts.map((p) => (typeof p === 'string' ? p : p instanceof Error ? p.message : '')).join(' ');
    lines.push(`${new Date().toISOString().slice(11, 23)} ${level} ${text.slice(0, 300)}`);
    if (lines.length > 400) lines.splice(0, 100);
  };
}
addEventListener('error', (e) => console.error('page', e.error ?? e.message));
addEventListener('unhandledrejection', (e) => console.error('page', e.reason));

window.people = {
  async login(name, options) {
    const p = new Person(options);
    all.set(name, p);
    await p.login();
    return { user: p.user, device: p.device };
  },
  // call calls a method of a person's.
  call: (name, method, ...rest) => all.get(name)[method](...rest),
  log: () => lines.join('\n'),
};
