/** A Trouble is thrown inside for what an honest room does not do; its name is one of
 * PROTOCOL.md. */
export class Trouble extends Error {
  constructor(trouble, detail) {
    super(detail);
    this.trouble = trouble;
  }
}
/** demand throws it unless ok. */
export const demand = (ok, trouble, detail) => {
  if (!ok) throw new Trouble(trouble, detail);
};
