package web

import (
	"embed"
	"io/fs"
	"path"
	"regexp"
	"strings"
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
	// links is a Link header with the modules that a document uses, so that the
	// browser asks for all at once instead of at each import. words begins the
	// one for the language's words.
	links, words string
}

// assets returns the page's files by name. Requests are looked up in this map and
// not in a file system, so no path leads out.
func assets() (map[string]asset, error) {
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
	for name, f := range files {
		if m := entryModule.FindSubmatch(f.data); m != nil && path.Dir(name) == "page" && path.Ext(name) == ".html" {
			f.links = links(files, string(m[1]))
			f.words, _, _ = strings.Cut(string(m[1]), "page/")
			files[name] = f
		}
	}
	return files, err
}

var (
	entryModule  = regexp.MustCompile(`<script type="module" src="([^"]+)">`)
	moduleImport = regexp.MustCompile(`(?m)^import .* from "([^"]+)";$`)
)

// links returns a Link header for all modules that a document's module imports,
// directly or not. src is the module's address in the document.
func links(files map[string]asset, src string) string {
	base, module, _ := strings.Cut(src, "page/") // "" or "../"
	seen := map[string]bool{}
	var list []string
	var add func(name string)
	add = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		list = append(list, "<"+base+name+">; rel=modulepreload")
		for _, m := range moduleImport.FindAllSubmatch(files[name].data, -1) {
			add(path.Join(path.Dir(name), string(m[1])))
		}
	}
	add("page/" + module)
	return strings.Join(list, ", ")
}

// linksFor returns the Link header of a document, with the words in the language
// that the browser will choose. accept is its header Accept-Language, in which
// browsers name languages by preference.
func linksFor(files map[string]asset, f asset, accept string) string {
	name := wordsIn("en")
	for tag := range strings.SplitSeq(accept, ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if _, ok := files[wordsIn(base)]; ok {
			name = wordsIn(base)
			break
		}
	}
	return f.links + ", <" + f.words + name + ">; rel=modulepreload"
}

// wordsIn returns the name of the module with the words in a language.
func wordsIn(language string) string { return "page/view/languages/" + language + ".js" }

// mimes are the types of the page's files. A file of another type is not served.
var mimes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
}
