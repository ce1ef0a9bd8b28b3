package checkup

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Each rule is one that a shell and the provider's own parser take, and names the origin.
func TestWebRules(t *testing.T) {
	for address, tt := range map[string]struct {
		bucket bool
		kind   Provider
		wants  []string
	}{
		"https://b.s3.dualstack.eu-central-1.amazonaws.com/x": {true, Amazon, []string{"aws s3api put-bucket-cors --bucket b ", `{"CORSRules":[{"AllowedMethods":["GET"],"AllowedOrigins":["ORIGIN"],"MaxAgeSeconds":3600}]}`}},
		"https://acc.r2.cloudflarestorage.com/b":              {true, Cloudflare, []string{"wrangler r2 bucket cors set b --file cors.json", `"origins":["ORIGIN"]`}},
		"https://s3.us-west-004.backblazeb2.com/b":            {true, Backblaze, []string{"b2 bucket update --cors-rules ", `"allowedOrigins":["ORIGIN"]`}},
		"https://storage.googleapis.com/b":                    {true, Google, []string{"gcloud storage buckets update gs://b --cors-file=cors.json", `"origin":["ORIGIN"]`}},
		"https://s3.example.org/b":                            {true, MinIO, []string{"mc admin config set ALIAS api cors_allow_origin=ORIGIN"}},
		"https://example.org/meetings":                        {false, WebServer, []string{`add_header Access-Control-Allow-Origin "ORIGIN" always;`}},
	} {
		kind := ProviderOf(address, tt.bucket)
		if kind != tt.kind {
			t.Errorf("%s is of %s", address, kind)
		}
		for origin, allowed := range map[string]string{"https://meet.example.org": "https://meet.example.org", "null": "*"} {
			why, run := WebStore{Address: address, Kind: kind, Bucket: "b"}.Rule(origin)
			all := why + "\n" + strings.Join(run, "\n")
			for _, want := range tt.wants {
				if want = strings.ReplaceAll(want, "ORIGIN", allowed); !strings.Contains(all, want) {
					t.Errorf("%s for %s lacks %q:\n%s", address, origin, want, all)
				}
			}
			for _, m := range regexp.MustCompile(`'([\[{].*)'`).FindAllStringSubmatch(all, -1) {
				if !json.Valid([]byte(m[1])) {
					t.Errorf("%s: no JSON: %s", address, m[1])
				}
			}
		}
	}
}

// What a server says to pages is found out by asking as they do, also where it refuses.
func TestWeb(t *testing.T) {
	for _, tt := range []struct {
		what   string
		answer func(w http.ResponseWriter, r *http.Request)
		object string
		want   string // results by name
	}{
		{"all well", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			if strings.Contains(r.URL.Path, "probe-") || r.URL.Query().Has("list-type") {
				w.WriteHeader(http.StatusForbidden)
			}
		}, "ID/head", "gives pages ok, tells pages ok, lists ok"},
		{"silent where it refuses", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/head") {
				w.Header().Set("Access-Control-Allow-Origin", "*")
				return
			}
			w.WriteHeader(http.StatusForbidden)
		}, "ID/head", "gives pages ok, tells pages warning, lists ok"},
		{"refused, and readable", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.WriteHeader(http.StatusForbidden)
		}, "ID/head", "gives pages warning, tells pages ok, lists ok"},
		{"an open bucket without recordings", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("list-type") {
				_, _ = w.Write([]byte(`<ListBucketResult xmlns="x"/>`))
			}
		}, "", "gives pages unknown, tells pages warning, lists warning"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(tt.answer))
		r := &Report{}
		Web(t.Context(), r, WebStore{Address: srv.URL + "/b", Kind: MinIO, Bucket: "b", Object: tt.object, Query: "secret=1"}, "https://meet.example.org")
		srv.Close()
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Name+" "+f.Result)
			if strings.Contains(f.Text+f.Hint+strings.Join(f.Run, ""), "secret") || f.Section != "web" {
				t.Errorf("%s: %+v", tt.what, f)
			}
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %q, want %s", tt.what, got, tt.want)
		}
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	r := &Report{}
	Web(t.Context(), r, WebStore{Address: srv.URL, Kind: WebServer, Object: "ID/head", Query: "secret=1"}, "null")
	if len(r.Findings) != 3 || r.Findings[0].Result != Warning || strings.Contains(r.Findings[0].Text, "secret") {
		t.Errorf("a server that is away: %+v", r.Findings)
	}
}
