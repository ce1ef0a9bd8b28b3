package site

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sealtape/sealtape/playback/web"
)

// testConfig makes a site of a page, a program and a worker that are none, but small.
func testConfig() Config {
	page := fstest.MapFS{}
	for name, text := range map[string]string{
		documentName: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<link rel="icon" href="../view/icon.svg">
<link rel="stylesheet" href="../view/one.css">
<link rel="stylesheet" href="../view/two.css">
<script src="../view/theme.js"></script>
<script src="begin.js"></script>
<script type="module" src="main.js"></script>
</head>
<body><a href="#page">skip</a></body>
</html>
`,
		"page/view/icon.svg": "<svg/>", "page/view/one.css": "p { margin: 0; }\n", "page/view/two.css": "a { margin: 0; }\n",
		"page/view/theme.js": "/** Theme. */\n(() => {})();\n", "page/alone/begin.js": "(() => {})();\n",
		"page/alone/main.js": "import { one } from \"../view/one.js\";\nexport const opened = new Worker(new URL(\"./small_worker.js\", import.meta.url)) && one;\n",
		"page/view/one.js":   "export const one = 1;\n", "page/alone/small_worker.js": "onmessage = () => {};\n",
		workerName: "onmessage = () => postMessage(\"none\");\n",
	} {
		page[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Config{Page: page, Program: []byte("\x00asm program"), Glue: []byte("// glue\n"), Version: "v1", Stores: []string{"https://s3.example.org"}}
}

// overlaid are files some of which are others.
type overlaid struct{ under, over fs.FS }

func (o overlaid) Open(name string) (fs.File, error) {
	if f, err := o.over.Open(name); err == nil {
		return f, nil
	}
	return o.under.Open(name)
}

func build(t *testing.T, c Config) *Site {
	t.Helper()
	s, err := Build(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWhole: index.html names every other file with its hash, and nothing besides, so
// that a change of any changes the hash of the whole.
func TestWhole(t *testing.T) {
	c := testConfig()
	s := build(t, c)
	index := string(s.Files[0].Data)
	for _, f := range s.Files[1:] {
		if !strings.Contains(index, `"`+f.Name+`"`) || !strings.Contains(index, integrity(f.Data)) || !strings.Contains(f.Name, "-"+f.Sum()[:16]+".") {
			t.Errorf("%s is not named with its hash", f.Name)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"( integrity="[^"]+")?`).FindAllStringSubmatch(index, -1) {
		named := slices.ContainsFunc(s.Files, func(f File) bool { return f.Name == m[1] }) && m[2] != ""
		if !named && m[1] != "#page" && m[1] != "./" && !strings.HasPrefix(m[1], "data:") {
			t.Errorf("%s is loaded without integrity", m[0])
		}
	}
	if again := build(t, c); again.Sum() != s.Sum() || !bytes.Equal(again.Sums(), s.Sums()) {
		t.Error("built twice, it is not the same")
	}
	for name, change := range map[string]func(*Config){
		"program": func(c *Config) { c.Program = []byte("\x00asm other") },
		"glue":    func(c *Config) { c.Glue = []byte("// other") },
		"version": func(c *Config) { c.Version = "v2" },
		"store":   func(c *Config) { c.Stores = []string{"https://other.example.org"} },
		"direct":  func(c *Config) { c.Direct = true },
		"module": func(c *Config) {
			c.Page = overlaid{c.Page, fstest.MapFS{"page/view/one.js": {Data: []byte("export const one = 2;\n")}}}
		},
		"style": func(c *Config) {
			c.Page = overlaid{c.Page, fstest.MapFS{"page/view/two.css": {Data: []byte("p {}")}}}
		},
		"head": func(c *Config) { c.Page = overlaid{c.Page, fstest.MapFS{"page/view/theme.js": {Data: []byte("1;")}}} },
	} {
		changed := testConfig()
		change(&changed)
		if build(t, changed).Sum() == s.Sum() {
			t.Errorf("with another %s the whole has the same hash", name)
		}
	}
}

// TestRealPage: the page that there is can be built, both ways.
func TestRealPage(t *testing.T) {
	c := testConfig()
	c.Page = web.Page()
	for _, c.Direct = range []bool{false, true} {
		s := build(t, c)
		if len(s.Files[2].Data) < 100_000 || c.Direct != (len(s.Files) > 5) {
			t.Errorf("direct is %v: %d files, the script has %d bytes", c.Direct, len(s.Files), len(s.Files[2].Data))
		}
	}
	if _, err := BuildOneFile(c); err != nil {
		t.Error(err)
	}
}

// TestPolicy: the page reaches its store, and nobody else.
func TestPolicy(t *testing.T) {
	c := testConfig()
	want := "default-src 'none'; script-src 'self' 'sha256-x' 'sha256-x' 'wasm-unsafe-eval'; worker-src blob:; style-src 'self'; img-src data:; " +
		"media-src blob:; connect-src 'self' https://s3.example.org; base-uri 'none'; form-action 'none'"
	if got := policyOf(t, build(t, c).Files[0].Data); got != want {
		t.Errorf("policy %s, want %s", got, want)
	}
	c.Direct, c.Stores = true, nil
	want = strings.NewReplacer(" https://s3.example.org", "", "worker-src blob:", "worker-src 'self'").Replace(want)
	if got := policyOf(t, build(t, c).Files[0].Data); got != want {
		t.Errorf("policy %s, want %s", got, want)
	}
	f, err := BuildOneFile(c)
	if err != nil {
		t.Fatal(err)
	}
	want = "default-src 'none'; script-src 'sha256-x' 'sha256-x' 'sha256-x' 'wasm-unsafe-eval'; worker-src blob:; style-src 'sha256-x'; img-src data:; " +
		"media-src blob:; connect-src https: http://localhost:* http://127.0.0.1:*; base-uri 'none'; form-action 'none'"
	if got := policyOf(t, f.Data); got != want {
		t.Errorf("policy %s, want %s", got, want)
	}
}

func policyOf(t *testing.T, html []byte) string {
	t.Helper()
	meta := `<meta http-equiv="Content-Security-Policy" content="`
	before, rest, ok := strings.Cut(string(html), meta)
	policy, _, _ := strings.Cut(rest, `"`)
	if !ok || strings.Contains(rest, meta) || strings.Contains(before, "<script") || strings.Contains(before, "<link") {
		t.Fatal("the policy does not come first, or not once")
	}
	return regexp.MustCompile(`sha256-[A-Za-z0-9+/=]+`).ReplaceAllString(policy, "sha256-x")
}

// TestOneFile: one file loads nothing, and has all in it.
func TestOneFile(t *testing.T) {
	f, err := BuildOneFile(testConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`<(?:script|link|img|iframe)[^>]*\s(?:src|href)="[^"]{0,40}`).FindAllString(string(f.Data), -1) {
		if !strings.Contains(m, `"data:`) {
			t.Errorf("it loads %s", m)
		}
	}
	_, rest, _ := strings.Cut(string(f.Data), `<script type="application/gzip" id="wasm">`)
	text, _, _ := strings.Cut(rest, "<")
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if program, err := io.ReadAll(r); err != nil || !bytes.Equal(program, testConfig().Program) {
		t.Errorf("%v, program %q", err, program)
	}
}

func TestCheckStore(t *testing.T) {
	for origin, good := range map[string]bool{
		"https://s3.example.org": true, "https://s3.example.org:9000": true, "http://127.0.0.1:9000": true, "http://localhost:9000": true, "http://[::1]:9000": true,
		"http://s3.example.org": false, "https://s3.example.org/": false, "https://s3.example.org/bucket": false, "https://S3.example.org": false, "https:": false,
		"https://*.example.org": false, "https://a b": false, "https://a;script-src": false, "https://a,b": false, "'self'": false, "*": false, "": false,
		"ftp://a": false, "https://u@a": false, "https://a?b": false, "https://a#b": false, "https://a\"><script>": false, "data:": false,
	} {
		if err := CheckStore(origin); (err == nil) != good {
			t.Errorf("%s: %v", origin, err)
		}
	}
}
