// Where a browser keeps the identity and the pinned cards: IndexedDB of the page's
// origin. Whoever can run code in that origin can use them.

/** A Shelf keeps values by name in one IndexedDB. */
export class Shelf {
  #db;
  constructor(name = 'sealtape') {
    this.#db = new Promise((done, fail) => {
      const open = indexedDB.open(name, 1);
      open.onupgradeneeded = () => open.result.createObjectStore('values');
      open.onsuccess = () => done(open.result);
      open.onerror = () => fail(open.error);
    });
  }

  async #do(mode, f) {
    const store = (await this.#db).transaction('values', mode).objectStore('values');
    return new Promise((done, fail) => {
      const request = f(store);
      store.transaction.oncomplete = () => done(request.result);
      store.transaction.onabort = store.transaction.onerror = () => fail(store.transaction.error);
    });
  }

  /**
   * change puts what f makes of a value in its place, and returns that; undefined leaves the
   * value as it is. Nobody else, in no other tab, reads or writes it meanwhile. f is synchronous.
   */
  async change(name, f) {
    const store = (await this.#db).transaction('values', 'readwrite').objectStore('values');
    return new Promise((done, fail) => {
      let value, fault;
      const request = store.get(name);
      request.onsuccess = () => {
        try {
          value = f(request.result);
          if (value !== undefined) store.put(value, name);
        } catch (err) {
          fault = err;
          store.transaction.abort();
        }
      };
      store.transaction.oncomplete = () => done(value);
      store.transaction.onabort = store.transaction.onerror = () => fail(fault ?? store.transaction.error);
    });
  }

  get(name) { return this.#do('readonly', (s) => s.get(name)); }
  set(name, value) { return this.#do('readwrite', (s) => s.put(value, name)); }
  delete(name) { return this.#do('readwrite', (s) => s.delete(name)); }
}

/** A Drawer is a Shelf that forgets: for tests, and for guests. */
export class Drawer {
  #values = new Map();
  async get(name) { return this.#values.get(name); }
  async set(name, value) { this.#values.set(name, value); }
  async delete(name) { this.#values.delete(name); }
  async change(name, f) {
    const value = f(this.#values.get(name));
    if (value !== undefined) this.#values.set(name, value);
    return value;
  }
}
