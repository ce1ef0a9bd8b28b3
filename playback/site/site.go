package site

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Config says what a site is made of.
type Config struct {
	// Page has the page's modules, as web.Page returns them.
	Page fs.FS
	// Program is cmd/sealtape-web, compiled to WebAssembly, and Glue the script of the Go
	// version that compiled it, which browsers run it by.
	Program, Glue []byte
	// Version is what builds it, for people.
	Version string
	// Stores are the origins that the page may fetch objects from, besides its own.
	Stores []string
	// Direct lets the page load its worker by its address. The host must send the headers
	// of Hosting with it, or the worker may reach anything. Without, the page makes its
	// worker of a text with the right hash, which the page's own policy holds for.
	Direct bool
}

// maxStores is how many stores a page may be built for.
const maxStores = 16

func (c *Config) check() error {
	if c.Page == nil || len(c.Program) == 0 || len(c.Glue) == 0 {
		return errors.New("no page, no program or no glue to make a site of")
	}
	if len(c.Stores) > maxStores {
		return fmt.Errorf("%d stores, want %d at most", len(c.Stores), maxStores)
	}
	for _, s := range c.Stores {
		if err := CheckStore(s); err != nil {
			return err
		}
	}
	return nil
}

// CheckStore refuses what is no origin that a policy can name: https://HOST[:PORT] in
// lower case, or http:// for this machine.
func CheckStore(origin string) error {
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin || origin != strings.ToLower(origin) ||
		strings.ContainsAny(origin, " ;,'\"<>*\\"):
		return fmt.Errorf("%q is no origin, want https://HOST, without a path", origin)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q is not https: browsers do not fetch from there for pages of others", origin)
}

// A File is one of a site.
type File struct {
	Name, Type string
	Data       []byte
}

// Sum returns the SHA-256 of the file, in hex.
func (f File) Sum() string {
	sum := sha256.Sum256(f.Data)
	return hex.EncodeToString(sum[:])
}

// Index is the name of the file that names all others.
const Index = "index.html"

// A Site is the files of a player. The first of Files is Index. Those of Hosting are for
// who serves it.
type Site struct {
	Files, Hosting []File

	policy string
}

// Sum returns the hash of the whole in hex: that of Index, which has the hashes of all.
func (s *Site) Sum() string { return s.Files[0].Sum() }

// Sums returns the hashes of all files, as sha256sum -c takes them.
func (s *Site) Sums() []byte {
	var b bytes.Buffer
	for _, f := range s.Files {
		fmt.Fprintf(&b, "%s  %s\n", f.Sum(), f.Name)
	}
	return b.Bytes()
}

// Build returns the site. It fails if the page has what this package does not
// understand.
func Build(c Config) (*Site, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	d, err := readDocument(c.Page)
	if err != nil {
		return nil, err
	}
	text, files, err := linkPage(&c, d.entry)
	if err != nil {
		return nil, err
	}
	worker, err := linkWorker(&c)
	if err != nil {
		return nil, err
	}
	styles, script := named("page.css", typeStyle, d.styles), named("page.js", typeScript, text)
	work, program := named("worker.js", typeScript, worker), named("sealtape.wasm", typeProgram, c.Program)
	list := parts{Version: c.Version, Stores: append([]string{}, c.Stores...),
		Worker:  part{Address: work.Name, Integrity: integrity(worker), Direct: c.Direct},
		Program: part{Address: program.Name, Integrity: integrity(c.Program)}}
	policy := c.policy(d.inline...).String()
	hosting, err := c.hosting(policy)
	if err != nil {
		return nil, err
	}
	html, err := d.write(list, policy, pieces{
		styles: fmt.Sprintf(`<link rel="stylesheet" href="%s" integrity="%s">`, styles.Name, integrity(styles.Data)),
		script: fmt.Sprintf(`<script type="module" src="%s" integrity="%s"></script>`, script.Name, integrity(script.Data)),
	})
	if err != nil {
		return nil, err
	}
	return &Site{append([]File{{Index, typePage, html}, styles, script, work, program}, files...), hosting, policy}, nil
}

const (
	typePage    = "text/html; charset=utf-8"
	typeScript  = "text/javascript; charset=utf-8"
	typeStyle   = "text/css; charset=utf-8"
	typeProgram = "application/wasm"
)

// named returns a file whose name has its hash, so that it never changes.
func named(name, kind string, data []byte) File {
	f := File{Type: kind, Data: data}
	ext := path.Ext(name)
	f.Name = strings.TrimSuffix(name, ext) + "-" + f.Sum()[:16] + ext
	return f
}

// integrity returns the hash of a part as documents and policies write it.
func integrity(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
