package site

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/internal/pattern"
	"github.com/sealtape/sealtape/playback/internal/bundle"
)

// documentName is the page's document. What it refers to becomes a part of it, or a part
// that it names.
const (
	documentName = "page/alone/player.html"
	workerName   = "page/alone/worker.js"
)

// A document is the page's document, and what it loads.
type document struct {
	lines  []string // place is one of them
	icon   []byte
	styles []byte
	inline [][]byte // classic scripts of the head, in order
	entry  string   // the module that imports the others
}

var (
	iconLine    = pattern.Of(`^<link rel="icon" href="([^"]+)">$`)
	styleLine   = pattern.Of(`^<link rel="stylesheet" href="([^"]+)">$`)
	classicLine = pattern.Of(`^<script src="([^"]+)"></script>$`)
	moduleLine  = pattern.Of(`^<script type="module" src="([^"]+)"></script>$`)
)

// place is where the parts stand in a document's lines.
const place = "\x00parts"

func readDocument(page fs.FS) (*document, error) {
	text, err := fs.ReadFile(page, documentName)
	if err != nil {
		return nil, err
	}
	d := &document{}
	read := func(name string) (data []byte) {
		if err == nil {
			data, err = fs.ReadFile(page, path.Join(path.Dir(documentName), name))
		}
		return data
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		switch {
		case iconLine().MatchString(line):
			d.icon = read(iconLine().FindStringSubmatch(line)[1])
		case styleLine().MatchString(line):
			d.styles = append(d.styles, read(styleLine().FindStringSubmatch(line)[1])...)
		case classicLine().MatchString(line):
			d.inline = append(d.inline, inline(read(classicLine().FindStringSubmatch(line)[1])))
		case moduleLine().MatchString(line):
			d.lines = append(d.lines, place)
			d.entry = path.Join(path.Dir(documentName), moduleLine().FindStringSubmatch(line)[1])
		case strings.Contains(line, "<script"), strings.Contains(line, "<link"):
			return nil, fmt.Errorf("%s: not understood: %s", documentName, line)
		default:
			d.lines = append(d.lines, line)
		}
	}
	if err == nil && (d.entry == "" || len(d.styles) == 0 || len(d.icon) == 0 || len(d.inline) == 0) {
		err = fmt.Errorf("%s lacks a script, a style or an icon", documentName)
	}
	return d, err
}

// inline returns a script as it stands in a document. The last line's end would be a part
// of its hash.
func inline(script []byte) []byte { return bytes.TrimSpace(script) }

// linkPage returns the modules of the page as one, and the files that it needs beside.
func linkPage(c *Config, entry string) (script []byte, files []File, err error) {
	script, err = bundle.Link(c.Page, entry, bundle.Options{Address: func(name string) (string, error) {
		small, err := bundle.Link(c.Page, name, bundle.Options{Classic: true})
		if err != nil {
			return "", err
		}
		if !c.Direct {
			text, err := json.Marshal(string(small))
			return fmt.Sprintf(`URL.createObjectURL(new Blob([%s], { type: "text/javascript" }))`, text), err
		}
		f := named(path.Base(name), typeScript, small)
		files = append(files, f)
		return fmt.Sprintf("new URL(%q, document.baseURI)", f.Name), nil
	}})
	return script, files, err
}

// linkWorker returns the worker that runs the program: one script, classic, as workers
// of blobs and old Firefox have it.
func linkWorker(c *Config) ([]byte, error) {
	script, err := bundle.Link(c.Page, workerName, bundle.Options{Classic: true})
	if err != nil {
		return nil, err
	}
	return slices.Concat(bytes.TrimSpace(c.Glue), []byte{'\n'}, script), nil
}

// parts are what begin.js reads: where the parts are that are no modules.
type parts struct {
	Version string   `json:"version"`
	Stores  []string `json:"stores"`
	Program part     `json:"wasm"`
	Worker  part     `json:"worker"`
}

// A part is at an address, or in the document if that is "".
type part struct {
	Address   string `json:"address"`
	Integrity string `json:"integrity"`
	Direct    bool   `json:"direct,omitempty"`
}

// partsBegin is how they begin in a document.
const partsBegin = `<script type="application/json" id="parts">`

// pieces are what differs between a site and one file.
type pieces struct {
	styles, script string
	data           string // what is in the document for begin.js
}

// write returns the document for browsers.
func (d *document) write(p parts, policy string, with pieces) ([]byte, error) {
	list, err := json.Marshal(p) // without < and >, so that it stays where it is put
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, line := range d.lines {
		switch line {
		case place:
			fmt.Fprintf(&b, "<link rel=\"icon\" href=\"data:image/svg+xml;base64,%s\">\n", base64.StdEncoding.EncodeToString(d.icon))
			fmt.Fprintf(&b, "%s%s</script>\n%s", partsBegin, list, with.data)
			for _, script := range d.inline {
				if err := stays(script); err != nil {
					return nil, err
				}
				fmt.Fprintf(&b, "<script>%s</script>\n", script)
			}
			fmt.Fprintf(&b, "%s\n%s\n", with.styles, with.script)
		case `<meta charset="utf-8">`:
			// Before anything is loaded.
			fmt.Fprintf(&b, "%s\n<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n<meta name=\"referrer\" content=\"no-referrer\">\n", line, policy)
		default:
			b.WriteString(line + "\n")
		}
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// stays refuses a script that would not end where its element does.
func stays(script []byte) error {
	lower := bytes.ToLower(script)
	if bytes.Contains(lower, []byte("</script")) || bytes.Contains(lower, []byte("<!--")) {
		return errors.New("a script has text in it that would end it")
	}
	return nil
}
