package web_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/testdata/player"
)

// meetSite serves keys/web's page with the keys of members, bundled as an app would, on an
// origin of its own.
func meetSite(t *testing.T, policy string) string {
	t.Helper()
	dir := t.TempDir()
	bundle := exec.CommandContext(t.Context(), "../../testdata/typescript/node_modules/esbuild/bin/esbuild", "../../keys/web/example/keys.js", "../../keys/web/index.js",
		"--bundle", "--format=esm", "--splitting", "--log-level=warning", "--outdir="+dir, "--outbase=../../keys/web", "--alias:sealtape-keys=../../keys/web/index.js")
	if out, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("run npm ci in testdata/typescript: %v\n%s", err, out)
	}
	page, err := os.ReadFile("../../keys/web/example/keys.html")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "example", "keys.html"), page, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	files := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if policy != "" {
			w.Header().Set("Cross-Origin-Opener-Policy", policy)
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// join has the reader's key kept on another site, as its meetings do.
func (s *keySite) join(site string) {
	s.Helper()
	export, err := s.reader.Export([]byte("xyzzy plugh"), 10)
	if err != nil {
		s.Fatal(err)
	}
	if err := s.page.Navigate(s.ctx, site+"/example/keys.html"); err != nil {
		s.Fatal(err)
	}
	s.do(s.page, fmt.Sprintf(`import("/index.js").then(async (k) => (await k.Identity.import(%q, "xyzzy plugh")).save(new k.Shelf()))`, export))
}

// askSite has the question ask the other site, and returns its window, which the page has as
// theirs.
func (s *keySite) askSite(address string) *player.Page {
	s.Helper()
	s.do(s.page, fmt.Sprintf(`(() => {
		document.getElementById("keysite").value = %q;
		const open = window.open;
		window.open = (...a) => window.theirs = open.apply(window, a);
	})()`, address))
	popup, err := s.page.Popup(s.ctx, func() error { return s.page.Click(s.ctx, "form:has(#keysite) button") })
	if err != nil {
		s.Fatal(err)
	}
	return popup
}

// Another site opens one recording after asking, and keeps its keys.
func TestBroker(t *testing.T) {
	s := newKeySite(t, "same-origin-allow-popups")
	site := meetSite(t, "")
	s.join(site)
	s.load("own")
	s.ask(recordingA, 1, s.file)
	s.asked()
	popup := s.askSite(site + "/example/keys.html")
	s.until(popup, `document.querySelector("button:not(:disabled)") && document.body.innerText.includes("Open it as Ada")`)
	text := s.text(popup, "document.body.innerText")
	if !strings.Contains(text, strings.TrimSuffix(s.url, "/")) || !strings.Contains(text, recordingA) {
		t.Errorf("the other site asks: %s", text)
	}
	s.accessible(popup)
	s.shoot(popup, "broker")
	s.shoot(s.page, "broker-waits")
	s.until(popup, `!document.querySelector("button").disabled`)
	s.do(popup, `document.querySelector("button").click()`)
	s.answers(s.secret)
	s.ask(recordingB, 1, s.file)
	s.answers("none") // it was asked about one recording
	s.ask(recordingA, 2, []byte("no file"))
	s.answers("fault: the other site could not open this")
	noKeyLeft(s, s.page, popup)
	s.do(popup, "setTimeout(() => window.close())")
	s.until(s.page, "theirs.closed")
	s.ask(recordingA, 3, s.file)
	s.answers("none")
	s.ask(recordingA, 4, s.file)
	s.asked() // anew
	s.ask(recordingA, 1, s.file)
	s.answers(s.secret) // what was opened stays open

	// A no is a no, and the question stands.
	s.load("own")
	s.ask(recordingA, 1, s.file)
	s.asked()
	popup = s.askSite(site + "/example/keys.html")
	s.until(popup, `document.querySelectorAll("button").length === 2`)
	s.do(popup, `document.querySelectorAll("button")[1].click()`)
	s.until(s.page, keyError+".includes('The answer there was no')")

	// What is no site, and a site that cuts its window off.
	s.do(s.page, `(() => { document.getElementById("keysite").value = "http://meet.example.org/keys.html"; })()`)
	s.click(s.page, "form:has(#keysite) button")
	s.until(s.page, keyError+" !== ''")
	cut := meetSite(t, "same-origin")
	s.do(s.page, fmt.Sprintf(`(() => { document.getElementById("keysite").value = %q; })()`, cut+"/example/keys.html"))
	s.click(s.page, "form:has(#keysite) button")
	s.until(s.page, keyError+".includes('cannot answer')")
}

// The page with keys answers its opener only, in the form that it knows.
func TestBrokerIsAskedWrongly(t *testing.T) {
	s := newKeySite(t, "")
	site := meetSite(t, "")
	s.join(site)
	s.load("own")
	// A player that does as it likes.
	s.do(s.page, fmt.Sprintf(`(() => {
		const button = document.body.appendChild(document.createElement("button"));
		button.id = "open";
		button.onclick = () => { window.other = window.open(%q, "", "popup"); };
		window.heard = [];
		window.say = (m) => other.postMessage({ protocol: "sealtape.v1/broker", ...m }, %q);
		addEventListener("message", (e) => heard.push(e.data));
	})()`, site+"/example/keys.html", site))
	s.do(s.page, `document.querySelector("main").remove()`)
	popup, err := s.page.Popup(s.ctx, func() error { return s.page.Click(s.ctx, "#open") })
	if err != nil {
		t.Fatal(err)
	}
	s.until(s.page, "heard.length === 1")
	for _, m := range []string{
		`{}`, `{ kind: "recording" }`, `{ kind: "recording", recording: "x" }`, `{ kind: "recording", recording: {} }`, `{ kind: "epoch", number: 1, files: [] }`,
		`{ kind: "recording", recording: "` + recordingA + `", protocol: "sealtape.v2/broker" }`,
	} {
		s.do(s.page, "say("+m+")")
	}
	s.do(popup, fmt.Sprintf(`window.postMessage({ protocol: "sealtape.v1/broker", kind: "recording", recording: %q }, "*")`, recordingB)) // not its opener
	s.do(s.page, fmt.Sprintf(`say({ kind: "recording", recording: %q })`, recordingA))
	s.until(popup, `document.body.innerText.includes("`+recordingA+`")`)
	// Nothing before the yes, and nothing about another recording after it.
	epoch := fmt.Sprintf(`{ kind: "epoch", number: 1, files: [Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))] }`, base64.StdEncoding.EncodeToString(s.file))
	s.do(s.page, "say("+epoch+")")
	s.do(s.page, fmt.Sprintf(`say({ kind: "recording", recording: %q })`, recordingB))
	s.until(popup, `!document.querySelector("button").disabled`)
	s.do(popup, `document.querySelector("button").click()`)
	s.until(s.page, "heard.length === 2")
	for _, m := range []string{`{ kind: "epoch", number: -1, files: [] }`, `{ kind: "epoch", number: 2, files: ["x"] }`, `{ kind: "constructor", number: 3, files: [new Uint8Array()] }`,
		`{ kind: "epoch", number: 4, files: Array(5000).fill(new Uint8Array()) }`, `{ kind: "identity", number: 5, files: [new Uint8Array()] }`,
		`{ kind: "share", number: 6, files: [new Uint8Array([1])] }`} {
		s.do(s.page, "say("+m+")")
	}
	s.do(s.page, "say("+strings.Replace(epoch, "number: 1", "number: 7", 1)+")")
	s.until(s.page, "heard.some((m) => m.number === 7)")
	got := s.text(s.page, "heard.map((m) => [m.kind, m.number, m.text === undefined ? '' : m.text].join(' ').trim()).join(', ')")
	if want := "ready, yes, answer 6, answer 7 " + s.secret; got != want {
		t.Errorf("the page answered %q", strings.ReplaceAll(got, s.secret, "SECRET"))
	}
}
