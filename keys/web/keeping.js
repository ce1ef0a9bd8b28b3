// Whether the browser keeps what is in its storage.

/**
 * keeping asks the browser to keep what this origin stores, and says what to expect:
 * "kept"; "sevenDays" where the browser deletes all of it when its person has used it on
 * seven days without coming here (Safari, unless the page is on the home screen); "perhaps"
 * where it may delete it when the disk is full. Other than "kept" means: the exported file is
 * needed.
 * @returns {Promise<'kept'|'perhaps'|'sevenDays'>}
 */
export async function keeping(nav = globalThis.navigator ?? {}) {
  const persisted = await nav.storage?.persist?.().catch(() => false) ?? false;
  if (webKit(nav) && !nav.standalone) return 'sevenDays';
  return persisted ? 'kept' : 'perhaps';
}

// Of all browsers of WebKit: those on iPhones and iPads are, whatever they are called.
function webKit(nav) {
  const agent = nav.userAgent ?? '';
  return /AppleWebKit\//.test(agent) && !/Chrome\/|Chromium\/|Android/.test(agent);
}
