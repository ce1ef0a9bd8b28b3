package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// imports are what an app's bundler would resolve.
const imports = `<script type="importmap">{ "imports": {
	"age-encryption": "/node_modules/age-encryption/dist/index.js",
	"@noble/ciphers/": "/node_modules/@noble/ciphers/",
	"@noble/curves/": "/node_modules/@noble/curves/",
	"@noble/hashes/": "/node_modules/@noble/hashes/",
	"@noble/post-quantum/": "/node_modules/@noble/post-quantum/",
	"@scure/base": "/node_modules/@scure/base/index.js"
} }</script>`

// shared is the process in which all pages of the tests are.
var shared player.Chromium

func TestMain(m *testing.M) { os.Exit(player.Run(m, &shared)) }

// A chromium is a page of an app that has the package, in a browser.
type chromium struct {
	*testing.T
	ctx  context.Context
	page *player.Page
	url  string // passkeys need a name of a host
}

func openChromium(t *testing.T) *chromium {
	sample.Live(t)
	files := http.FileServer(http.Dir("."))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/app" {
			fmt.Fprint(w, "<!doctype html><html lang=en><title>An app</title>", imports)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c := &chromium{T: t, ctx: t.Context(), url: strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/app"}
	p, err := player.Open(c.ctx, player.PageConfig{In: &shared, URL: c.url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	c.page = p
	return c
}

// eval evaluates the body of an async function that has all of the package, as keys.
func eval[T any](c *chromium, body string) T {
	c.Helper()
	out, err := player.Eval[T](c.ctx, c.page, `import("/index.js").then(async (keys) => {`+body+`})`)
	if err != nil {
		c.Fatal(err)
	}
	return out
}

// A passkey stands for one identity, whose card and exported file are as any others: today,
// and in a browser that knows nothing of it.
func TestPasskey(t *testing.T) {
	c := openChromium(t)
	if err := c.page.AddAuthenticator(c.ctx, true); err != nil {
		t.Fatal(err)
	}
	type made struct{ Card, File string }
	first := eval[made](c, `
		const passkey = await keys.Passkey.create({ name: "Zoë Ng", device: "phone", site: "Our meetings" });
		const id = await keys.Identity.fromPasskey(passkey, { name: "Zoë Ng", device: "phone" });
		return { Card: id.card.note, File: await id.export("xyzzy plugh", 10) };`)
	id, err := keys.ParseExport([]byte(first.File), []byte("xyzzy plugh"))
	if err != nil {
		t.Fatal(err)
	}
	card, err := keys.ParseCard([]byte(first.Card))
	if err != nil {
		t.Fatal(err)
	}
	// As sealtape keys add does with a card, and a recorder with its reader.
	home, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := home.AddCompared(card); err != nil {
		t.Errorf("the card is not pinned: %v", err)
	}
	secret, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	file := seal(t, secret.String()+"\n", card.AgeRecipients()...)
	if err := c.page.Navigate(c.ctx, c.url); err != nil {
		t.Fatal(err)
	}
	again := eval[struct{ Card, Secret, Refused string }](c, fmt.Sprintf(`
		const passkey = await keys.Passkey.open();
		const id = await keys.Identity.fromPasskey(passkey, { name: "Zoë Ng", device: "phone" });
		const refused = await keys.Identity.fromPasskey(passkey, { name: "Zoe Ng", device: "phone" }).catch((e) => e.message);
		return { Card: id.card.note, Secret: await id.openEpoch([Uint8Array.from(atob(%q), (x) => x.charCodeAt(0))]), Refused: refused };`, base64(file)))
	if again.Card != first.Card {
		t.Errorf("the card is now\n%s\nbefore it was\n%s", again.Card, first.Card)
	}
	if again.Secret != secret.String() {
		t.Errorf("the epoch's secret is %q", again.Secret)
	}
	if again.Refused != "the card of this passkey has another name or device" {
		t.Errorf("another name: %s", again.Refused)
	}
	if name := id.Name(); name != "Zoë Ng" {
		t.Errorf("the exported identity is %s's", name)
	}
}

// Where passkeys give no keys, that is said before anything is sealed to one.
func TestPasskeyWithoutKeys(t *testing.T) {
	c := openChromium(t)
	if err := c.page.AddAuthenticator(c.ctx, false); err != nil {
		t.Fatal(err)
	}
	got := eval[string](c, `return keys.Passkey.create({ name: "Ada", site: "Our meetings" }).then(() => "made", (e) => e.constructor === keys.Refused ? e.message : "" + e);`)
	if !strings.Contains(got, "give no keys") {
		t.Error(got)
	}
}

// An exported identity is opened, and one is exported, while the page goes on.
func TestPassphraseLetsThePageGoOn(t *testing.T) {
	c := openChromium(t)
	got := eval[struct {
		Same    bool
		Longest float64
		Frames  int
		Wrong   string
	}](c, `
		const id = await keys.Identity.generate({ name: "Ada" });
		let last = performance.now(), longest = 0, frames = 0;
		const timer = setInterval(() => { const now = performance.now(); longest = Math.max(longest, now - last); last = now; frames++; }, 5);
		const file = await id.export("xyzzy plugh");
		const again = await keys.Identity.import(file, "xyzzy plugh");
		clearInterval(timer);
		const small = await id.export("xyzzy plugh", 10);
		const wrong = await keys.Identity.import(small, "plugh xyzzy").catch((e) => e.message);
		return { Same: again.card.note === id.card.note, Longest: longest, Frames: frames, Wrong: wrong };`)
	t.Logf("the page was held up for %.0f ms at most, and went on %d times", got.Longest, got.Frames)
	if !got.Same || !strings.Contains(got.Wrong, "another passphrase") {
		t.Errorf("%+v", got)
	}
	// Each of both takes two seconds and more, a step of it ten milliseconds.
	if got.Frames < 50 {
		t.Errorf("the page went on %d times only", got.Frames)
	}
}
