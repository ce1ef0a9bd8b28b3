// Package fetch is a store that is read by plain GET requests over HTTP: a bucket that
// anybody may read, a folder on a web server, or what a link lets one read by tokens or
// presigned URLs. It writes nothing, and lists nothing.
//
// playback/web/page/alone/store.js is the same for pages.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/internal/pattern"
)

// patience is how long a server may take to begin an answer, and to go on with it.
const patience = time.Minute

// A Store reads one recording, which an invitation names. It is an archive.Store whose
// List and Prefixes return archive.ErrNotListed, and whose other methods that change
// something return archive.ErrRefused.
type Store struct {
	base      string
	recording string
	query     string            // appended to each URL
	own       map[string]string // what is appended to each, by the object's name; nil: query is
	expires   time.Time
	client    *http.Client
	transport *http.Transport
}

var _ archive.Store = (*Store)(nil)

// Open returns the store that an invitation without credentials names. It asks the
// server for nothing, unless the invitation has presigned URLs: then it reads their
// table. The caller closes the Store.
func Open(ctx context.Context, i *link.Invitation) (*Store, error) {
	if i.Credentials != nil {
		return nil, errors.New("a link with credentials is one to a bucket")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = patience
	transport.DisableCompression = true // sizes are those of the objects
	s := &Store{
		base: i.Store, recording: i.Recording, query: i.Query, expires: i.Expires, transport: transport,
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	p := i.Presigned
	if p == nil {
		return s, nil
	}
	key, err := age.ParseHybridIdentity(link.KeyPrefix + p.Key)
	if err != nil {
		return nil, errors.New("the key in the link makes no sense")
	}
	s.query = p.Query
	text, err := archive.OpenSealed(ctx, archive.Retry(s, archive.RetryConfig{Attempts: 3}), i.Recording, p.Share, key)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("could not read the table of presigned URLs: %w", err), s.Close())
	}
	table, err := link.ParseTable(text, i.Recording)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.query, s.own = "", table.Queries()
	return s, nil
}

// Close drops the idle connections. The Store stays usable.
func (s *Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// Get implements archive.Store, with one request.
func (s *Store) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if off < 0 {
		return nil, fmt.Errorf("offset %d: %w", off, fs.ErrInvalid)
	}
	resp, cancel, err := s.get(ctx, name, off, n)
	if err != nil {
		return nil, fmt.Errorf("could not read %s: %w", name, err)
	}
	if resp == nil {
		return io.NopCloser(bytes.NewReader(nil)), nil // beyond the end
	}
	r := &body{ReadCloser: resp.Body, cancel: cancel, timer: time.AfterFunc(patience, cancel)}
	if resp.StatusCode == http.StatusOK && off > 0 { // the server knows no ranges
		if _, err := io.CopyN(io.Discard, r, off); err != nil && err != io.EOF {
			return nil, errors.Join(fmt.Errorf("could not read %s: %w", name, err), r.Close())
		}
	}
	if n < 0 {
		return r, nil
	}
	return &limited{io.LimitReader(r, n), r}, nil
}

type limited struct {
	io.Reader
	io.Closer
}

// A body is that of an answer. Its request ends if nothing of it comes for a while.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
	timer  *time.Timer
}

func (b *body) Read(p []byte) (int, error) {
	b.timer.Reset(patience)
	return b.ReadCloser.Read(p)
}

func (b *body) Close() error {
	b.timer.Stop()
	defer b.cancel()
	return b.ReadCloser.Close()
}

// get asks for a range of an object. The caller closes the answer's body and calls
// cancel then. A nil answer is one of nothing.
func (s *Store) get(ctx context.Context, name string, off, n int64) (*http.Response, context.CancelFunc, error) {
	address, err := s.url(name)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		cancel()
		return nil, nil, errors.New("the store's address makes no sense")
	}
	switch {
	case n > 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	case n < 0 && off > 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", off))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		cancel()
		return nil, nil, withoutURL(err)
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent {
		return resp, cancel, nil
	}
	defer cancel()
	defer resp.Body.Close() // only read from
	if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return nil, nil, nil
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return nil, nil, s.refusal(resp.StatusCode, string(said))
}

// withoutURL is the error of a request without its URL, which may hold a token.
func withoutURL(err error) error {
	var named *url.Error
	if errors.As(err, &named) {
		return named.Err
	}
	return err
}

// url returns the address of an object, with what lets one read it.
func (s *Store) url(name string) (string, error) {
	if err := archive.ValidName(name); err != nil {
		return "", err
	}
	inside, ok := strings.CutPrefix(name, s.recording+"/")
	if !ok {
		return "", fmt.Errorf("the link is for another recording: %w", fs.ErrNotExist)
	}
	query := s.query
	if s.own != nil {
		if query, ok = s.own[inside]; !ok {
			return "", fmt.Errorf("%w: the link was made before this object was there", archive.ErrDenied)
		}
	}
	address := s.base + "/" + name
	if query != "" {
		address += "?" + query
	}
	return address, nil
}

var (
	codeIn    = pattern.Of(`<Code>([A-Za-z]{1,64})</Code>`)
	expiredIn = pattern.Of(`(?i)request has expired|signature not valid in the specified time frame|<Code>ExpiredToken`)
	clockIn   = pattern.Of(`(?i)RequestTimeTooSkewed|RequestNotReadyYet|not yet valid|not valid yet`)
)

// refusal returns the error of an answer that is not the object.
func (s *Store) refusal(status int, said string) error {
	answered := "the server answers " + strconv.Itoa(status)
	if m := codeIn().FindStringSubmatch(said); m != nil {
		answered += " " + m[1]
	}
	over := !s.expires.IsZero() && time.Now().After(s.expires)
	switch {
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return errors.New(answered)
	case clockIn().MatchString(said):
		return fmt.Errorf("%w: this machine's clock and the store's are too far apart", archive.ErrDenied)
	case expiredIn().MatchString(said):
		return fmt.Errorf("%w: %w", archive.ErrDenied, archive.ErrExpired)
	case status == http.StatusNotFound, status == http.StatusGone:
		return fs.ErrNotExist
	case over:
		return fmt.Errorf("%w: %w", archive.ErrDenied, archive.ErrExpired)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		// Where strangers may not list, most servers say so of what is not there.
		return fmt.Errorf("%w, or not there: %s", archive.ErrDenied, answered)
	}
	return fmt.Errorf("%w: %s", archive.ErrRefused, answered)
}

// Stat implements archive.Store, with a GET: a presigned URL is not for HEAD.
func (s *Store) Stat(ctx context.Context, name string) (archive.Info, error) {
	resp, cancel, err := s.get(ctx, name, 0, -1)
	if err != nil {
		return archive.Info{}, fmt.Errorf("could not look at %s: %w", name, err)
	}
	defer cancel()
	defer resp.Body.Close() // not read
	info := archive.Info{Name: name, Size: resp.ContentLength}
	if resp.ContentLength < 0 {
		return info, fmt.Errorf("could not look at %s: the server does not say how large it is", name)
	}
	if at, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		info.Modified = at
	}
	return info, nil
}

// List implements archive.Store: it yields archive.ErrNotListed.
func (s *Store) List(context.Context, string) iter.Seq2[archive.Info, error] {
	return func(yield func(archive.Info, error) bool) { yield(archive.Info{}, archive.ErrNotListed) }
}

// Prefixes implements archive.Store: it yields archive.ErrNotListed.
func (s *Store) Prefixes(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", archive.ErrNotListed) }
}

var errReadOnly = fmt.Errorf("%w: a link lets one read, and not write", archive.ErrRefused)

// Put implements archive.Store: it returns archive.ErrRefused.
func (s *Store) Put(context.Context, string, archive.Blob) error { return errReadOnly }

// Delete implements archive.Store: it returns archive.ErrRefused.
func (s *Store) Delete(context.Context, string) error { return errReadOnly }

// Purge implements archive.Store: it returns archive.ErrRefused.
func (s *Store) Purge(context.Context, string) error { return errReadOnly }

// Limits implements archive.Store. Nothing is put.
func (s *Store) Limits() archive.Limits { return archive.Limits{} }
