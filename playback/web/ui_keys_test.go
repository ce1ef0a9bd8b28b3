package web_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback/web"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// keyDocument has the question for a key, and what asks it: window.ring, where recordingA is
// watched. The address says in which place the page is.
const keyDocument = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Keys</title><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page/view/style.css"><link rel="stylesheet" href="/page/view/watch.css"><link rel="stylesheet" href="/page/view/key_question.css">
<script type="module">
import { Keyring } from "/page/alone/keyring.js";
import { KeyQuestion } from "/page/view/key_question.js";
const place = new URLSearchParams(location.search).get("place") ?? "own";
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
window.ring = new Keyring({ place, ask: KeyQuestion.in(document.getElementById("keyquestion")) });
ring.watch("` + recordingA + `");
window.open1 = (id, n, ...files) => { window.answer = undefined; ring.openEpoch(id, n, files.map(bytes)).then((s) => { window.answer = s ?? "none"; }, (e) => { window.answer = "fault: " + e.message; }); };
window.whose = await ring.begin();
</script></head><body class="watch loading"><header class="titles"><h1 id="title">Recording</h1></header><main><section id="keyquestion" aria-labelledby="keyhead" hidden></section></main></body></html>`

const recordingA, recordingB = "01JD3Q8ZC5ABCDEFGHJKMNPQR0", "01JD3Q8ZC5ABCDEFGHJKMNPQR4"

// A keySite is a player's page on an origin of its own, and a reader with keys.
type keySite struct {
	*testing.T
	ctx    context.Context
	page   *player.Page
	url    string
	reader *keys.Identity
	secret string // of an epoch
	file   []byte // of the epoch, sealed to the reader
}

func newKeySite(t *testing.T, policy string) *keySite {
	sample.Live(t)
	files := http.StripPrefix("/page/", http.FileServer(http.Dir("page")))
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if policy != "" {
			w.Header().Set("Cross-Origin-Opener-Policy", policy)
		}
		if strings.HasPrefix(r.URL.Path, "/page/") {
			files.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, keyDocument)
	}))
	t.Cleanup(front.Close)
	ctx := sample.Context(t)
	s := &keySite{T: t, ctx: ctx, url: strings.Replace(front.URL, "127.0.0.1", "localhost", 1) + "/"}
	var err error
	if s.reader, err = keys.Generate("Ada"); err != nil {
		t.Fatal(err)
	}
	card, err := s.reader.Card()
	if err != nil {
		t.Fatal(err)
	}
	s.secret, s.file = sealedEpoch(t, card)
	if s.page, err = player.Open(s.ctx, player.PageConfig{In: &web.Chromium, URL: s.url, Width: 1000, Height: 900}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.page.Close(); err != nil {
			t.Error(err)
		}
	})
	// Who leaves a page that makes its database may wait for it in vain in the next one.
	s.until(s.page, "window.whose !== undefined")
	return s
}

// sealedEpoch makes a file of an epoch.
func sealedEpoch(t *testing.T, to keys.Card) (secret string, file []byte) {
	t.Helper()
	epoch, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to.AgeRecipients()...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(w, epoch); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return epoch.String(), out.Bytes()
}

func (s *keySite) do(p *player.Page, js string) {
	s.Helper()
	if err := p.Do(s.ctx, js); err != nil {
		s.Fatal(err)
	}
}

func (s *keySite) until(p *player.Page, js string) {
	s.Helper()
	if err := p.Until(s.ctx, js); err != nil {
		s.shoot(p, "failed")
		s.Fatal(err)
	}
}

func (s *keySite) click(p *player.Page, selector string) {
	s.Helper()
	if err := p.Click(s.ctx, selector); err != nil {
		s.Fatalf("%s: %v", selector, err)
	}
}

// load opens the page anew, in a place.
func (s *keySite) load(place string) {
	s.Helper()
	if err := s.page.Navigate(s.ctx, s.url+"?place="+place); err != nil {
		s.Fatal(err)
	}
	s.until(s.page, "window.whose !== undefined")
}

// ask has the page open an epoch, whose answer comes in window.answer.
func (s *keySite) ask(recording string, number int, file []byte) {
	s.Helper()
	s.do(s.page, fmt.Sprintf("open1(%q, %d, %q)", recording, number, base64.StdEncoding.EncodeToString(file)))
}

func (s *keySite) answers(want string) {
	s.Helper()
	s.until(s.page, "window.answer !== undefined")
	if got, err := player.Eval[string](s.ctx, s.page, "window.answer"); err != nil || got != want {
		s.Errorf("the answer is %.30q, %v, want %.30q", got, err, want)
	}
}

func (s *keySite) text(p *player.Page, js string) string {
	s.Helper()
	text, err := player.Eval[string](s.ctx, p, js)
	if err != nil {
		s.Fatal(err)
	}
	return text
}

// give puts a file with a key, and a passphrase, into the fields, and sends them.
func (s *keySite) give(passphrase string, keep bool) {
	s.Helper()
	export, err := s.reader.Export([]byte("xyzzy plugh"), 10)
	if err != nil {
		s.Fatal(err)
	}
	s.do(s.page, fmt.Sprintf(`(() => {
		const files = new DataTransfer();
		files.items.add(new File([%q], "ada-key.age"));
		document.getElementById("keyfile").files = files.files;
		document.getElementById("keypassphrase").value = %q;
		const keep = document.getElementById("keepkey");
		if (keep) keep.checked = %t;
	})()`, export, passphrase, keep))
	s.click(s.page, "form:has(#keyfile) button[type=submit]")
}

// accessible has axe look at the page.
func (s *keySite) accessible(p *player.Page) {
	s.Helper()
	script, err := os.ReadFile(axe)
	if err != nil {
		s.Fatalf("run npm ci in testdata/typescript: %v", err)
	}
	s.do(p, fmt.Sprintf("(0, eval)(atob(%q) + '; undefined')", base64.StdEncoding.EncodeToString(script)))
	faults, err := player.Eval[[]string](s.ctx, p, axeFaults)
	if err != nil {
		s.Fatal(err)
	}
	for _, f := range faults {
		s.Error(f)
	}
}

// shoot keeps a picture where SEALTAPE_SHOTS is a folder.
func (s *keySite) shoot(p *player.Page, name string) {
	dir := os.Getenv("SEALTAPE_SHOTS")
	if dir == "" {
		return
	}
	png, err := p.Screenshot(context.WithoutCancel(s.ctx))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		s.Error(err)
	}
}

// asked waits for the question.
func (s *keySite) asked() {
	s.Helper()
	s.until(s.page, `!document.getElementById("keyquestion").hidden`)
}

const keyError = `document.getElementById("keyerror").textContent`

// A key comes from a file with its passphrase, and from then on without a question; and no
// key is taken where the store itself serves the page, or kept where other pages see it.
func TestKeyQuestion(t *testing.T) {
	s := newKeySite(t, "")
	s.load("own")
	s.ask(recordingA, 1, s.file)
	s.asked()
	s.accessible(s.page)
	s.shoot(s.page, "question")
	s.give("plugh xyzzy", false)
	s.until(s.page, keyError+" !== ''")
	if got := s.text(s.page, keyError); !strings.Contains(got, "not the passphrase") {
		t.Error(got)
	}
	s.shoot(s.page, "passphrase")
	s.give("xyzzy plugh", true)
	s.until(s.page, `document.body.innerText.includes("may delete the key") || window.answer`)
	s.shoot(s.page, "kept")
	s.do(s.page, `document.querySelector("#keyquestion .primary")?.click()`)
	s.answers(s.secret)

	s.load("own")
	if got := s.text(s.page, "whose"); got != "Ada" {
		t.Errorf("the page has the key of %q", got)
	}
	s.ask(recordingA, 1, s.file)
	s.answers(s.secret)
	other, err := keys.Generate("Ben")
	if err != nil {
		t.Fatal(err)
	}
	card, err := other.Card()
	if err != nil {
		t.Fatal(err)
	}
	_, foreign := sealedEpoch(t, card)
	s.ask(recordingA, 2, foreign)
	s.answers("none") // without a question: it has a key

	// Two tabs have one memory of heads, in which nobody overwrites what another saved.
	got := s.text(s.page, fmt.Sprintf(`import("/page/alone/heads.js").then(async ({ Heads }) => {
		const head = (n) => "sealtape.v1/%[1]s\n" + n + "\n" + "A".repeat(43) + "=\nstate: open\n", tabs = [1, 2, 3, 4].map(() => new Heads("own"));
		const first = await Promise.all(tabs.map((tab, i) => tab.replace(%[1]q, null, head(5 + i))));
		const saved = await tabs[0].load(%[1]q);
		const back = await tabs[1].replace(%[1]q, saved, head(1)).catch((e) => e.message);
		return [first.filter((ok) => ok).length, saved === head(5 + first.indexOf(true)), back, await tabs[2].load(%[1]q) === saved].join(", ");
	})`, recordingA))
	if got != "1, true, a head that goes back, true" {
		t.Errorf("tabs remember: %s", got)
	}

	for _, place := range []string{"store", "bucket"} {
		s.load(place)
		if got := s.text(s.page, "whose"); got != "" {
			t.Errorf("%s: the page took the key of %q", place, got)
		}
		s.ask(recordingA, 1, s.file)
		s.asked()
		if got := s.text(s.page, `[...document.querySelectorAll("#keyquestion input")].map((e) => e.id).join(" ")`); got != "keysite" {
			t.Errorf("%s: the page asks for %s", place, got)
		}
		if got := s.text(s.page, `ring.takeFile(new Blob(["x"]), "x", true).then(() => "taken", (e) => e.message)`); !strings.Contains(got, "no key of yours") {
			t.Errorf("%s: a file is %s", place, got)
		}
		s.accessible(s.page)
		s.shoot(s.page, place)
		s.do(s.page, `[...document.querySelectorAll("#keyquestion button")].at(-1).click()`)
		s.answers("none")
	}

	s.load("file")
	s.ask(recordingA, 1, s.file)
	s.asked()
	if got := s.text(s.page, `[...document.querySelectorAll("#keyquestion input")].map((e) => e.id).join(" ")`); got != "keyfile keypassphrase" {
		t.Errorf("a page from a file asks for %s", got)
	}
	s.shoot(s.page, "file")
	before := s.text(s.page, `indexedDB.databases().then((d) => JSON.stringify(d))`)
	s.give("xyzzy plugh", true)
	s.answers(s.secret)
	if got := s.text(s.page, `indexedDB.databases().then((d) => JSON.stringify(d))`); got != before {
		t.Errorf("a page from a file keeps %s", got)
	}
	noKeyLeft(s, s.page)
}

// noKeyLeft fails if something of the reader's key is in what pages sent.
func noKeyLeft(s *keySite, pages ...*player.Page) {
	s.Helper()
	export, err := s.reader.Export([]byte("x"), 1)
	if err != nil {
		s.Fatal(err)
	}
	canaries, err := player.CanariesOf(export, "x")
	if err != nil {
		s.Fatal(err)
	}
	for name, c := range canaries {
		for _, p := range pages {
			for _, sent := range p.Sent() {
				if form := c.In(sent); form != "" {
					s.Errorf("%s left the page as %s: %.200q", name, form, sent)
				}
			}
		}
	}
	if len(pages[0].Sent()) == 0 {
		s.Error("nothing was seen that the page sent")
	}
}

// A passkey opens what was sealed to the card that it made, in a page that knows nothing else.
func TestKeyPasskey(t *testing.T) {
	s := newKeySite(t, "")
	if err := s.page.AddAuthenticator(s.ctx, true); err != nil {
		t.Fatal(err)
	}
	s.load("own")
	s.ask(recordingA, 1, s.file)
	s.asked()
	s.do(s.page, `(() => { document.querySelector("#keyquestion details").open = true; document.getElementById("keyname").value = "Zoë"; })()`)
	// What the page would save.
	s.do(s.page, `(() => { window.saved = []; URL.createObjectURL = (blob) => { blob.text().then((text) => saved.push(text)); return "data:,"; }; URL.revokeObjectURL = () => {}; })()`)
	s.click(s.page, "form:has(#keyname) button")
	s.until(s.page, `document.getElementById("savecard")`)
	s.accessible(s.page)
	s.shoot(s.page, "made")
	s.click(s.page, "#savecard")
	s.do(s.page, `(() => { document.getElementById("newpassphrase").value = "xyzzy plugh"; })()`)
	s.click(s.page, "form:has(#newpassphrase) button")
	s.until(s.page, "saved.length === 2")
	card, err := keys.ParseCard([]byte(s.text(s.page, "saved[0]")))
	if err != nil {
		t.Fatal(err)
	}
	if file := s.text(s.page, "saved[1]"); !keys.IsExport([]byte(file)) {
		t.Errorf("the file with the key is %.100s", file)
	}
	// The same identity, under a passphrase that costs less to try.
	export := s.text(s.page, `import("/page/alone/keys_web.js").then(async (k) => (await k.Identity.fromPasskey(await k.Passkey.open(), { name: "Zoë" })).export("xyzzy plugh", 10))`)
	if s.reader, err = keys.ParseExport([]byte(export), []byte("xyzzy plugh")); err != nil || s.reader.Name() != "Zoë" {
		t.Fatalf("the passkey stands for %v, %v", s.reader, err)
	}
	secret, file := sealedEpoch(t, card)
	s.load("own")
	s.ask(recordingA, 1, file)
	s.asked()
	s.click(s.page, "#usepasskey")
	s.answers(secret)
	noKeyLeft(s, s.page)
}
