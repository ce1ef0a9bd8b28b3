import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keeping } from '../web/keeping.js';

const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
const safari = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15';
const chromeOnPhone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/135.0 Mobile/15E148 Safari/604.1';
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0';
const android = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/135.0.0.0 Mobile Safari/537.36';

for (const [name, nav, want] of [
  ['Chrome that keeps it', { userAgent: chrome, storage: { persist: async () => true } }, 'kept'],
  ['Chrome that does not', { userAgent: chrome, storage: { persist: async () => false } }, 'perhaps'],
  ['Chrome on Android', { userAgent: android, storage: { persist: async () => true } }, 'kept'],
  ['Firefox whose user refuses', { userAgent: firefox, storage: { persist: async () => { throw new Error('no'); } } }, 'perhaps'],
  ['Firefox without the question', { userAgent: firefox, storage: {} }, 'perhaps'],
  ['a page without a secure context', { userAgent: firefox }, 'perhaps'],
  ['Safari', { userAgent: safari, storage: { persist: async () => true } }, 'sevenDays'],
  ['Chrome on an iPhone, which is Safari', { userAgent: chromeOnPhone, storage: { persist: async () => true } }, 'sevenDays'],
  ['Safari from the home screen', { userAgent: safari, standalone: true, storage: { persist: async () => true } }, 'kept'],
]) test(name, async () => assert.equal(await keeping(nav), want));
