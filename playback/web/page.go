package web

import (
	"embed"
	"io/fs"
	"path"
)

// page is what browsers get: plain modules, no build step, nothing from
// elsewhere.
//
//go:embed page
var page embed.FS

// An asset is one file of the page.
type asset struct {
	mime string
	data []byte
}

// assets returns the page's files by name. Requests are looked up here, not in
// a file system: no path leads out.
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
		files[name] = asset{mime, data}
		return err
	})
	return files, err
}

// mimes are the types of the page's files. What is of no such type is not served.
var mimes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
}
