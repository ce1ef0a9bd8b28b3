import { VerificationPhase } from 'matrix-js-sdk/lib/crypto-api/index.js';

// A Verification compares emoji with another user: one at a time.
export class Verification {
  constructor(person) { this.person = person; }

  // listen accepts what others ask for.
  listen() {
    this.person.client.on('crypto.verificationRequestReceived', async (request) => {
      this.take(request);
      try {
        await request.accept();
      } catch (e) {
        this.error = String(e);
      }
    });
  }

  // ask asks a user: in a room that both are in or, without one, a device of theirs.
  async ask(user, room, device) {
    const crypto = this.person.crypto;
    this.take(await (room ? crypto.requestVerificationDM(user, room) : crypto.requestDeviceVerification(user, device)), true);
  }

  take(request, starts) {
    Object.assign(this, { request, verifier: null, emoji: null, sas: null, done: false, error: '' });
    const look = async () => {
      try {
        if (request.phase === VerificationPhase.Cancelled) this.error ||= `cancelled: ${request.cancellationCode}`;
        if (starts && request.phase === VerificationPhase.Ready && !this.starting) {
          this.starting = true;
          this.follow(await request.startVerification('m.sas.v1'));
        } else if (request.verifier) {
          this.follow(request.verifier);
        }
      } catch (e) {
        this.error = String(e);
      }
    };
    request.on('change', look);
    look();
  }

  follow(verifier) {
    if (this.verifier === verifier) return;
    this.verifier = verifier;
    verifier.on('show_sas', (sas) => {
      this.sas = sas;
      this.emoji = sas.sas.emoji.map(([emoji]) => emoji);
    });
    verifier.verify().then(() => { this.done = true; }, (e) => { this.error ||= String(e); });
  }

  async confirm(yes) {
    if (yes) await this.sas.confirm();
    else this.sas.mismatch();
  }

  state() {
    return { phase: this.request?.phase ?? 0, emoji: this.emoji ?? [], done: this.done ?? false, error: this.error ?? '' };
  }
}
