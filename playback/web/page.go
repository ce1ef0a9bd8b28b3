package web

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/sealtape/sealtape/internal/pattern"
	"github.com/sealtape/sealtape/playback/internal/bundle"
)

// page is what browsers get: plain modules, without a build step, and nothing
// from elsewhere.
//
//go:embed page
var page embed.FS

// Page returns the files of the page, in a folder of that name. Those in page/alone are for
// the page without a server, which package site builds.
func Page() fs.FS { return page }

// An asset is one file of the page.
type asset struct {
	mime string
	data []byte
	// words begins the address of the words in a document's language, "" for what is no
	// document. A Link header names them, so that the browser asks for them at once.
	words string
}

// assets returns the page's files by name. Requests are looked up in this map and
// not in a file system, so no path leads out. Nobody changes it.
//
// The module of a document has in it all that it imports, but the words in one language: a
// hundred requests took a browser more than a third of the time in which it opened the page.
var assets = sync.OnceValues(func() (map[string]asset, error) {
	files := make(map[string]asset)
	err := fs.WalkDir(page, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		mime, ok := mimes[path.Ext(name)]
		if !ok {
			return nil
		}
		data, err := page.ReadFile(name)
		files[name] = asset{mime: mime, data: data}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"page/index.html", "page/watch.html"} {
		document := files[name]
		m := entryModule().FindSubmatch(document.data)
		if m == nil {
			return nil, fmt.Errorf("%s has no module", name)
		}
		document.words = string(m[1]) + wordsFolder
		files[name] = document
		module := files[string(m[2])]
		if module.data, err = linked(string(m[2])); err != nil {
			return nil, err
		}
		files[string(m[2])] = module
	}
	return files, nil
})

// entryModule finds the module of a document: where the page begins, seen from there, and the
// module's file.
var entryModule = pattern.Of(`<script type="module" src="((?:\.\./)?)(page/[^"]+)">`)

// linked returns a module with all that it imports, to be served as that module is.
func linked(name string) ([]byte, error) {
	seen := func(expression string) func(string) (string, error) {
		return func(to string) (string, error) {
			there, err := filepath.Rel(path.Dir(name), to)
			return fmt.Sprintf(expression, "./"+filepath.ToSlash(there)), err
		}
	}
	return bundle.Link(page, name, bundle.Options{Address: seen("new URL(%q, import.meta.url)"), Later: seen("import(%q)")})
}

// wordsFolder has a module with the words in each language.
const wordsFolder = "page/view/languages/"

// wordsLink returns the Link header of a document: the words in the language that the
// browser will choose. accept is its header Accept-Language, in which browsers name
// languages by preference.
func wordsLink(files map[string]asset, document asset, accept string) string {
	name := "en.js"
	for tag := range strings.SplitSeq(accept, ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if _, ok := files[wordsFolder+base+".js"]; ok {
			name = base + ".js"
			break
		}
	}
	return "<" + document.words + name + ">; rel=modulepreload"
}

// mimes are the types of the page's files. A file of another type is not served.
var mimes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
}
