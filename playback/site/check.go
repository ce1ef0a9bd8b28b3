package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/pattern"
)

const (
	// maxIndex is the largest document that is looked at.
	maxIndex = 1 << 20
	// answerTime is how long a host may take for one file.
	answerTime = 2 * time.Minute
)

// worker matches the workers that a page loads by their addresses.
var worker = pattern.Of(`^([a-z]+_)?worker` + hashed)

// A Difference is a file that a host sends otherwise than it was built. Served is the
// hash of what it sent, "" if it sent none. Why is what keeps it from counting besides.
type Difference struct{ Name, Served, Built, Why string }

// A Checked is what a host sent.
type Checked struct {
	// Sum is the hash of the document, in hex, and Version what says to have built it.
	Sum, Version string
	// Stores and Direct are what the document says it was built with.
	Stores []string
	Direct bool
	// Differences are the files that are not as they should be.
	Differences []Difference
	// Missing are the headers of Hosting that the document came without.
	Missing []string
}

// Check fetches a site from the folder at an address, and compares it with what is built
// of c, for the stores that the document names: Config.Stores and Config.Direct do not
// count. It proves what this machine was sent now. A host can send others another page.
//
// It reads no more of an answer than it could be the right one by, and follows no
// redirection.
func Check(ctx context.Context, client *http.Client, c Config, address string) (*Checked, error) {
	at, err := FolderOf(address)
	if err != nil {
		return nil, err
	}
	w := &visitor{client: *client, at: at}
	w.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		return fmt.Errorf("it leads to %s, and another page may be there", r.URL.Redacted())
	}
	index, header, err := w.get(ctx, "", maxIndex)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(index)
	found := &Checked{Sum: hex.EncodeToString(sum[:])}
	if p, ok := readParts(index); ok {
		found.Stores, found.Direct, found.Version = p.Stores, p.Worker.Direct, p.Version
	}
	c.Stores, c.Direct = found.Stores, found.Direct
	built, err := Build(c)
	if err != nil {
		return nil, err
	}
	if found.Sum != built.Sum() {
		found.Differences = append(found.Differences, Difference{Name: Index, Served: found.Sum, Built: built.Sum()})
	}
	for _, h := range c.headers(built.policy) {
		if header.Get(h.name) != h.value {
			found.Missing = append(found.Missing, h.name)
		}
	}
	for _, f := range built.Files[1:] {
		data, header, err := w.get(ctx, f.Name, len(f.Data))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d := Difference{Name: f.Name, Built: f.Sum()}
		if err != nil {
			d.Why = err.Error()
		} else {
			d.Served = File{Data: data}.Sum()
		}
		if err == nil && c.Direct && worker().MatchString(f.Name) && !slices.Contains(header.Values("Content-Security-Policy"), c.headers(built.policy)[0].value) {
			d.Why = "it is loaded by its address and comes without the policy, so that it may reach anything"
		}
		if d.Served != d.Built || d.Why != "" {
			found.Differences = append(found.Differences, d)
		}
	}
	return found, nil
}

// FolderOf returns the address of the folder that a page is in. What is behind a # may
// be an invitation, and is nobody's business here.
func FolderOf(address string) (*url.URL, error) {
	address, _, _ = strings.Cut(address, "#")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%q is no address of a page", address)
	}
	u.Path = strings.TrimSuffix(u.Path, Index)
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u, nil
}

// A visitor fetches files of one folder.
type visitor struct {
	client http.Client
	at     *url.URL
}

// get returns a file of most bytes at most, as they are when they are not compressed.
func (v *visitor) get(ctx context.Context, name string, most int) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	u := *v.at
	u.Path = path.Join(u.Path, name)
	if name == "" {
		u.Path = v.at.Path
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	answer, err := v.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("the host answers %d", answer.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, int64(most)+1))
	if err == nil && len(data) > most {
		err = errors.New("it is larger than it can be")
	}
	return data, answer.Header, err
}

// readParts returns what a document says of its parts. Only what could have been built
// counts.
func readParts(index []byte) (p parts, ok bool) {
	_, rest, found := bytes.Cut(index, []byte(partsBegin))
	list, _, ended := bytes.Cut(rest, []byte("</script>"))
	d := json.NewDecoder(bytes.NewReader(list))
	d.DisallowUnknownFields()
	if !found || !ended || d.Decode(&p) != nil || len(p.Stores) > maxStores || len(p.Version) > 200 {
		return parts{}, false
	}
	for _, s := range p.Stores {
		if CheckStore(s) != nil {
			return parts{}, false
		}
	}
	return p, true
}
