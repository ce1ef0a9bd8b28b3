// The page with your members' keys, for players on other sites: it opens one recording after
// asking, and gives no key away. Serve it without Cross-Origin-Opener-Policy, which would cut
// it off from the player, and with a strict Content-Security-Policy.
import { answerPlayer, Identity, Passkey, Secrets, Shelf } from 'sealtape-keys';

const readyAfter = 700; // a second click, meant for the page before, must not answer

let opened = 0;
const identity = await Identity.load(new Shelf());
try {
  answerPlayer({ ask, opened: () => show(el('p', `Opened: ${++opened}. You can close this window once the recording plays.`)) });
} catch (err) {
  show(el('p', `Players of other sites open this page. ${err.message}.`));
}

function ask({ origin, recording }) {
  return new Promise((answer) => {
    const yes = button(identity ? `Open it as ${identity.card.name}` : 'Open it with a passkey', async () => {
      try {
        answer(identity ?? new Secrets([(await (await Passkey.open()).keys()).secret]));
        show(el('p', 'Opening.'));
      } catch (err) {
        note.textContent = err.message; // and the question stands
      }
    });
    const no = button('No', () => {
      answer(null);
      window.close();
    });
    const note = el('p');
    show(el('h1', 'Open a recording for another site?'), el('p', el('span.origin', origin), ' asks to open the recording ', el('code', recording), '.'),
      el('p', 'That site will see and hear all of it that you can, and nothing that your key opens besides. Which recording it is, only that site says: '
        + 'agree only if you have just asked for it there, and trust it. Your key stays here.'), el('p', yes, no), note);
    yes.disabled = true;
    setTimeout(() => { yes.disabled = false; }, readyAfter);
    no.focus();
  });
}

function show(...children) { document.getElementById('question').replaceChildren(...children); }
function button(text, f) { return Object.assign(el('button', text), { type: 'button', onclick: f }); }
function el(tag, ...children) {
  const [name, cls = ''] = tag.split('.');
  const e = Object.assign(document.createElement(name), { className: cls });
  e.append(...children);
  return e;
}
