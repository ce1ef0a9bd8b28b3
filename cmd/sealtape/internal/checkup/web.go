package checkup

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive"
)

// A WebStore is a store as pages in browsers see it.
type WebStore struct {
	Address string // URL of the folder with the recordings' folders
	Kind    Provider
	Bucket  string // "" of a folder
	// Object is one that is there, and Query what lets one read it; "" means that
	// nothing of the store is known.
	Object, Query string
}

// A Provider is who runs a store: each has its own way to let pages read.
type Provider string

// Providers whose rules are known.
const (
	Amazon     Provider = "Amazon S3"
	Cloudflare Provider = "Cloudflare R2"
	Backblaze  Provider = "Backblaze B2"
	Google     Provider = "Google Cloud Storage"
	MinIO      Provider = "MinIO, or another S3 server"
	WebServer  Provider = "a web server, such as nginx"
)

// ProviderOf tells by the address of a store who runs it. bucket says that it speaks S3.
func ProviderOf(address string, bucket bool) Provider {
	u, err := url.Parse(address)
	if err != nil {
		return WebServer
	}
	for suffix, p := range map[string]Provider{
		".amazonaws.com": Amazon, ".amazonaws.com.cn": Amazon, ".r2.cloudflarestorage.com": Cloudflare, ".r2.dev": Cloudflare,
		".backblazeb2.com": Backblaze, ".googleapis.com": Google,
	} {
		if strings.HasSuffix(u.Hostname(), suffix) {
			return p
		}
	}
	if bucket {
		return MinIO
	}
	return WebServer
}

// Web checks whether a page of this origin may read what the store answers, also where it
// refuses, and whether strangers may list it. An origin of "null" is that of a page in a
// file.
func Web(ctx context.Context, r *Report, s WebStore, origin string) {
	const section = "web"
	refuses := func(name, what string, got answer) {
		hint, run := s.Rule(origin)
		r.Warn(section, name, hint, "%s: a page of %s may not read %s", s.Address, origin, got.say(what))
		r.Run(run...)
	}
	missing := archive.ScratchPrefix + rand.Text()
	for _, ask := range []struct{ name, what, object, query string }{
		{"gives pages", "an object", s.Object, s.Query},
		{"tells pages", "that an object is not there", missing, ""},
	} {
		if ask.object == "" {
			r.Unknown(section, ask.name, "%s: there is no recording to try it with", s.Address)
			continue
		}
		got, err := askAs(ctx, s.Address+"/"+ask.object, ask.query, origin)
		switch {
		case err != nil:
			r.Warn(section, ask.name, "check that browsers can reach this address", "%s: %v", s.Address, err)
		case !got.allowed:
			refuses(ask.name, ask.what, got)
		case ask.object == s.Object && got.status != http.StatusOK:
			r.Warn(section, ask.name, "make a link, which says what is needed", "%s: a page of %s reads that it is refused (%d)", s.Address, origin, got.status)
			r.Run("sealtape link ID")
		default:
			r.Pass(section, ask.name, "%s: a page of %s may read %s", s.Address, origin, ask.what)
		}
	}
	switch listed, err := Listed(ctx, s.Address); {
	case err != nil:
		r.Unknown(section, "lists", "%s: %v", s.Address, err)
	case listed:
		r.Warn(section, "lists", "take the right to list (s3:ListBucket, or autoindex) away from everybody", "%s: strangers can list it, and see which recordings there are", s.Address)
	default:
		r.Pass(section, "lists", "%s: nothing to strangers", s.Address)
	}
	if strings.HasPrefix(s.Address, "http://") && plainHost(s.Address) {
		r.Warn(section, "TLS", "let the store have https", "%s: pages with https read nothing that comes without", s.Address)
	}
}

// plainHost reports whether the host of an address is another machine.
func plainHost(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost" && u.Hostname() != "::1"
}

// An answer is what a page gets to know of one.
type answer struct {
	status  int
	allowed bool   // the page may read it
	header  string // Access-Control-Allow-Origin
}

func (a answer) say(what string) string {
	if a.header == "" {
		return what + fmt.Sprintf(" (answer %d has no Access-Control-Allow-Origin)", a.status)
	}
	return what + fmt.Sprintf(" (answer %d allows %.80q)", a.status, a.header)
}

// askAs asks as a page of an origin does, without anything but that.
func askAs(ctx context.Context, address, query, origin string) (answer, error) {
	if query != "" {
		address += "?" + query
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Origin", origin)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		if named, ok := err.(*url.Error); ok {
			err = named.Err // the URL may hold a token
		}
		return answer{}, err
	}
	defer resp.Body.Close()                                       // only read from
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // what it says does not matter
	allow := resp.Header.Get("Access-Control-Allow-Origin")
	return answer{status: resp.StatusCode, allowed: allow == "*" || allow == origin, header: allow}, nil
}

// Listed reports whether strangers can list the store at an address: as a bucket, or as a
// folder of a web server.
func Listed(ctx context.Context, address string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, at := range listings(address) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
		if err != nil {
			return false, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, err
		}
		b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		resp.Body.Close()
		if err != nil {
			return false, err
		}
		text := string(b)
		if resp.StatusCode == http.StatusOK && (strings.Contains(text, "<ListBucketResult") || strings.Contains(text, "Index of /")) {
			return true, nil
		}
	}
	return false, nil
}

// listings are the addresses at which the store may list itself: a bucket is the host, or
// the first element of the path.
func listings(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	root := u.Scheme + "://" + u.Host + "/"
	bucket, _, _ := strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	const query = "?list-type=2&max-keys=1"
	return []string{root + query, root + bucket + query, address + "/"}
}

// Rule returns what lets pages of an origin read the store, and commands that do so.
func (s WebStore) Rule(origin string) (why string, run []string) {
	quoted := func(v any) string {
		b, _ := json.Marshal(v) // of strings and numbers
		return "'" + string(b) + "'"
	}
	allowed := origin
	if origin == "null" {
		allowed = "*" // what a page in a file says of itself
	}
	aws := map[string]any{"AllowedOrigins": []string{allowed}, "AllowedMethods": []string{"GET"}, "MaxAgeSeconds": 3600}
	switch s.Kind {
	case Amazon:
		return "let pages of it read", []string{"aws s3api put-bucket-cors --bucket " + s.Bucket + " --cors-configuration " + quoted(map[string]any{"CORSRules": []any{aws}})}
	case Cloudflare:
		return "let pages of it read, by a rule in a file", []string{
			"echo " + quoted(map[string]any{"rules": []any{map[string]any{"allowed": map[string]any{"origins": []string{allowed}, "methods": []string{"GET"}}, "maxAgeSeconds": 3600}}}) + " > cors.json",
			"wrangler r2 bucket cors set " + s.Bucket + " --file cors.json"}
	case Backblaze:
		return "let pages of it read", []string{"b2 bucket update --cors-rules " +
			quoted([]any{map[string]any{"corsRuleName": "sealtape", "allowedOrigins": []string{allowed}, "allowedOperations": []string{"s3_get", "b2_download_file_by_name"}, "maxAgeSeconds": 3600}}) + " " + s.Bucket}
	case Google:
		return "let pages of it read, by a rule in a file", []string{
			"echo " + quoted([]any{map[string]any{"origin": []string{allowed}, "method": []string{"GET"}, "maxAgeSeconds": 3600}}) + " > cors.json",
			"gcloud storage buckets update gs://" + s.Bucket + " --cors-file=cors.json"}
	case WebServer:
		return "let pages of it read, also what is refused: in nginx, where the files are served, write: add_header Access-Control-Allow-Origin \"" + allowed + "\" always;", nil
	}
	return "let pages of it read: MinIO does so for the whole server; of another one, see its manual for CORS", []string{"mc admin config set ALIAS api cors_allow_origin=" + allowed, "mc admin service restart ALIAS"}
}
