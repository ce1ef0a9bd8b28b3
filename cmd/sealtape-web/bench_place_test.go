package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/link"
	playback "github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/site"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/web"
	"github.com/sealtape/sealtape/testdata/player"
)

// A place is where a meeting can be played from.
type place struct {
	page    string        // the page that sealtape player makes, with a link
	browser func() string // makes a browser's profile with the reader's key in it
	server  func() string // the player's own, made anew
	test    func() string // the page of the tests, which can be asked for the program's memory
}

// bench seals a meeting and serves it in all ways.
func bench(b *testing.B, voices, cameras, bits int) place {
	b.Helper()
	people, err := player.NewPeople(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	m, err := player.Flashes(people.Readers, voices, cameras, meetingTime, false)
	if err != nil {
		b.Fatal(err)
	}
	folder := b.TempDir()
	id, err := player.Write(folder, people.Signer.Signer(), player.Weighty(m, bits))
	if err != nil {
		b.Fatal(err)
	}
	card, err := people.Signer.Card()
	if err != nil {
		b.Fatal(err)
	}
	export, err := people.Signer.Export([]byte(benchPassphrase), 10)
	if err != nil {
		b.Fatal(err)
	}
	r := open(b, folder, id, card.Key, people.Signer.AgeIdentities())
	objects := newObjectServer(b, folder, roundTrip)
	page := serveBuilt(b, objects, string(export))
	return place{
		page:    page + "/#" + invitationTo(b, r, objects.URL).String(),
		browser: func() string { return keyed(b, page) },
		server:  func() string { return serveFar(b, r, people.Signer.AgeIdentities()) },
		test:    func() string { return servePage(b, r, objects).URL },
	}
}

const benchPassphrase = "xyzzy plugh"

// keyDocument puts a reader's key where the page looks for it.
const keyDocument = `<!doctype html><meta charset="utf-8"><title>Key</title><link rel="icon" href="data:,"><script type="module">
import { Identity, Shelf } from "./keys_web.js";
const file = await (await fetch("key.age")).text();
await (await Identity.import(file, %q)).save(new Shelf());
document.title = "kept";
</script>`

// serveBuilt serves the page that sealtape player makes, and beside it what keeps a key in a
// browser. It returns its address.
func serveBuilt(b *testing.B, objects *objectServer, key string) string {
	b.Helper()
	built, err := site.Build(site.Config{Page: web.Page(), Program: compiled(b), Glue: site.Glue(), Version: "test", Stores: []string{objects.URL}})
	if err != nil {
		b.Fatal(err)
	}
	keysWeb, err := fs.ReadFile(web.Page(), "page/alone/keys_web.js")
	if err != nil {
		b.Fatal(err)
	}
	files := map[string]site.File{
		"":            built.Files[0],
		"key.html":    {Type: "text/html; charset=utf-8", Data: fmt.Appendf(nil, keyDocument, benchPassphrase)},
		"key.age":     {Type: "text/plain", Data: []byte(key)},
		"keys_web.js": {Type: "text/javascript; charset=utf-8", Data: keysWeb},
	}
	for _, f := range built.Files {
		files[f.Name] = f
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		f, ok := files[strings.TrimPrefix(q.URL.Path, "/")]
		if !ok {
			http.NotFound(w, q)
			return
		}
		w.Header().Set("Content-Type", f.Type)
		if f.Name != "" && f.Name != site.Index {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		w.Write(f.Data)
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// invitationTo returns the link to a recording.
func invitationTo(b *testing.B, r recorded, store string) *link.Invitation {
	b.Helper()
	v, err := note.NewVerifier(r.vkey)
	if err != nil {
		b.Fatal(err)
	}
	folder, err := dir.Open(r.folder)
	if err != nil {
		b.Fatal(err)
	}
	defer folder.Close()
	head, _, err := archive.ReadHead(b.Context(), folder, r.id, archive.Options{Verifiers: note.VerifierList(v)})
	if err != nil {
		b.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(r.vkey, "+", 3)[2])
	if err != nil {
		b.Fatal(err)
	}
	i := &link.Invitation{Store: store, Recording: r.id, Recorder: ed25519.PublicKey(raw[1:]), Size: head.Size, Root: head.Root}
	if err := i.Check(); err != nil {
		b.Fatal(err)
	}
	return i
}

// keyed returns a new profile in which a page of an origin finds its reader's key.
func keyed(b *testing.B, page string) string {
	b.Helper()
	profile := b.TempDir()
	w := watch(b, player.PageConfig{URL: page + "/key.html", Profile: profile})
	w.until("document.title === 'kept'")
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return profile
}

// forgetCaches removes what a browser has fetched and compiled.
func forgetCaches(b *testing.B, profile string) {
	b.Helper()
	for _, pattern := range []string{"*/Cache", "*/Code Cache"} {
		found, err := filepath.Glob(filepath.Join(profile, pattern))
		if err != nil {
			b.Fatal(err)
		}
		for _, folder := range found {
			if err := os.RemoveAll(folder); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// visitOf returns how many bytes a first visit downloads at most.
func visitOf(b *testing.B) int64 {
	b.Helper()
	s, err := site.Build(site.Config{Page: web.Page(), Program: compiled(b), Glue: site.Glue(), Version: "test"})
	if err != nil {
		b.Fatal(err)
	}
	visit, err := s.Write(filepath.Join(b.TempDir(), "player"))
	if err != nil {
		b.Fatal(err)
	}
	return visit
}

// serveFar serves a recording as sealtape play does, from a store that is far away.
func serveFar(b *testing.B, r recorded, identities []age.Identity) string {
	b.Helper()
	folder, err := dir.Open(r.folder)
	if err != nil {
		b.Fatal(err)
	}
	v, err := note.NewVerifier(r.vkey)
	if err != nil {
		b.Fatal(err)
	}
	o := tape.Options{Options: archive.Options{Verifiers: note.VerifierList(v), Identities: identities}}
	p, err := playback.New(playback.Config{Library: playback.Tapes(tape.NewLibrary(farStore{folder}, o))})
	if err != nil {
		b.Fatal(err)
	}
	s, err := web.New(web.Config{Player: p, Recording: r.id})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(s)
	b.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := p.Close(); err != nil {
			b.Error(err)
		}
		if err := folder.Close(); err != nil {
			b.Error(err)
		}
	})
	p.Prepare(r.id, 0)
	return s.URL(strings.TrimPrefix(server.URL, "http://"))
}

// A farStore answers after some time.
type farStore struct{ archive.Store }

func (s farStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	select {
	case <-time.After(roundTrip):
		return s.Store.Get(ctx, name, off, n)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
