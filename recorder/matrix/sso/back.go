package sso

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// maxToken bounds a login token, in bytes.
const maxToken = 8 << 10

// A back is where the browser comes back to with a token: a page that is known
// by its address only, and takes one token, once. Other programs of this machine, and
// pages of others in the same browser, do not know the address.
type back struct {
	host  string // 127.0.0.1:PORT
	path  string // with 128 random bits
	token chan string

	mu   sync.Mutex
	used bool
}

func newBack(host string) *back {
	var secret [16]byte
	rand.Read(secret[:])
	return &back{host: host, path: "/sealtape/" + hex.EncodeToString(secret[:]), token: make(chan string, 1)}
}

// url returns the address for the browser.
func (b *back) url() string { return "http://" + b.host + b.path }

var (
	errOtherPage = errors.New("that is not the address at which the login ends")
	errUsed      = errors.New("the login was used already")
)

// take takes a token, the first one that comes by the right address.
func (b *back) take(path, query string) error {
	if subtle.ConstantTimeCompare([]byte(path), []byte(b.path)) != 1 {
		return errOtherPage
	}
	q, err := url.ParseQuery(query)
	if err != nil || len(q["loginToken"]) != 1 || q.Get("loginToken") == "" || len(query) > maxToken {
		return errOtherPage
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used {
		return errUsed
	}
	b.used = true
	b.token <- q.Get("loginToken")
	return nil
}

// paste takes the address that a browser on another machine ended at.
func (b *back) paste(address string) error {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" || u.Host != b.host {
		return errOtherPage // the error of Parse quotes the token
	}
	return b.take(u.Path, u.RawQuery)
}

// ServeHTTP implements http.Handler.
func (b *back) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address has the token
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	say := func(status int, text string) {
		w.WriteHeader(status)
		io.WriteString(w, text+"\n")
	}
	// Another name for this address is that of a page of somebody else's.
	if r.Host != b.host || r.Method != http.MethodGet {
		say(http.StatusForbidden, "This is not for you.")
		return
	}
	switch b.take(r.URL.Path, r.URL.RawQuery) {
	case nil:
		say(http.StatusOK, "Sealtape has what it needs to log in. You can close this page.")
	case errUsed:
		say(http.StatusGone, "This login was used already.")
	default:
		say(http.StatusNotFound, "There is nothing here.")
	}
}
