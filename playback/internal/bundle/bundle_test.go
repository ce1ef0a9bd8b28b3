package bundle

import (
	"errors"
	"io/fs"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sealtape/sealtape/testdata/sample"
)

func files(texts map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range texts {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// TestLink: the script does what a browser would do with the modules, each of which runs
// once.
func TestLink(t *testing.T) {
	sample.Live(t)
	script, err := Link(files(map[string]string{
		"a/main.js": "/** The first. */\nimport { one, two as zwei } from \"../b.js\";\nimport * as rest from \"./c.js\";\nimport \"./d.js\";\n" +
			"const later = await import(\"./e.js\");\nconsole.log(one, zwei(), new rest.Three().name, later.words, `${`b`}`, worker);\n" +
			"const worker = 0;\nexport const opened = 7;\n",
		"b.js":   "import { Three } from \"./a/c.js\";\nconsole.log(\"b after\", Three.name);\nexport const one = 1;\nfunction both() { return 2; }\nexport { both as two };\n",
		"a/c.js": "console.log(\"c\");\n/*! kept */\nexport class Three {\n\tname = \"3\"; // stays\n}\n",
		"a/d.js": "console.log(\"d\");\n",
		"a/e.js": "/** @type {string} */\nexport const words = \"e\";\n",
	}), "a/main.js", Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(script), ", worker)", ")", 1)
	cmd := exec.Command("node", "--input-type=module", "--eval", text)
	out, err := cmd.CombinedOutput()
	if want := "c\nb after Three\nd\n1 2 3 e b\n"; err != nil || string(out) != want {
		t.Errorf("%v, %q, want %q\n%s", err, out, want, text)
	}
	if strings.Contains(text, "The first") || !strings.Contains(text, "/*! kept */") || !strings.Contains(text, "// stays") ||
		!strings.Contains(text, "export const { opened } = ") {
		t.Errorf("script:\n%s", text)
	}
}

// TestAddress: files that are no modules stand as whoever links wants them.
func TestAddress(t *testing.T) {
	f := files(map[string]string{"a/main.js": "const w = new Worker(new URL(\"../w.js\", import.meta.url));\n"})
	script, err := Link(f, "a/main.js", Options{Address: func(name string) (string, error) { return "<" + name + ">", nil }})
	if err != nil || !strings.Contains(string(script), "new Worker(<w.js>)") {
		t.Errorf("%v\n%s", err, script)
	}
	failed := errors.New("no")
	if _, err := Link(f, "a/main.js", Options{Address: func(string) (string, error) { return "", failed }}); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
}

// TestLater: a module that is imported while the page runs stays one of its own, where that is
// wanted.
func TestLater(t *testing.T) {
	f := files(map[string]string{"a/main.js": "const { b } = await import(\"../b.js\");\n", "b.js": "export const b = 1;\n"})
	failed := errors.New("no")
	for later, want := range map[string]error{"import(%s)": nil, "": failed} {
		script, err := Link(f, "a/main.js", Options{Later: func(name string) (string, error) { return strings.ReplaceAll(later, "%s", name), want }})
		if !errors.Is(err, want) || err == nil && (!strings.Contains(string(script), "await import(b.js);") || strings.Contains(string(script), "b = 1")) {
			t.Errorf("%v\n%s", err, script)
		}
	}
}

// TestRefuse: what is not understood is not linked.
func TestRefuse(t *testing.T) {
	for name, tt := range map[string]struct {
		text    string
		classic bool
	}{
		"default import":          {text: `import x from "./b.js";`},
		"import from elsewhere":   {text: `import { x } from "b";`},
		"import over lines":       {text: "import {\n\tx,\n} from \"./b.js\";"},
		"two statements":          {text: `import { x } from "./b.js"; x();`},
		"attributes":              {text: `import { x } from "./b.js" with { type: "json" };`},
		"default export":          {text: `export default 1;`},
		"variable":                {text: `export let x = 1;`},
		"export of others":        {text: `export * from "./b.js";`},
		"export of others' names": {text: `export { x } from "./b.js";`},
		"no such module":          {text: `import { x } from "./none.js";`},
		"itself":                  {text: `import { x } from "./a.js";`},
		"by another":              {text: `import { x } from "./b.js";`},
		"text over lines":         {text: "const x = `\nimport { y } from \"./b.js\";\n`;"},
		"comment without end":     {text: "/** x"},
		"file without address":    {text: `new URL("./w.js", import.meta.url);`},
		"waiting classic":         {text: `const x = await y;`, classic: true},
		"classic that asks":       {text: `const x = import.meta.url;`, classic: true},
	} {
		f := files(map[string]string{"a.js": tt.text + "\n", "b.js": "import { y } from \"./a.js\";\nexport const x = 1;\n"})
		if script, err := Link(f, "a.js", Options{Classic: tt.classic}); err == nil {
			t.Errorf("%s:\n%s", name, script)
		}
	}
}
