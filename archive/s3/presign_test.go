package s3

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
)

var write = flag.Bool("write", false, "write testdata/presigned.json")

// A presigned is an example of a signature, shared with the page: see
// playback/web/pagetest/sign.test.mjs.
type presigned struct {
	URL                                 string            `json:"url"`
	Query                               map[string]string `json:"query"`
	Region, AccessKey, SecretKey, Token string
	At                                  int64 `json:"at"` // milliseconds of Unix time
	Seconds                             int64 `json:"seconds"`
	Signed                              string
}

// TestPresignedExamples holds that the examples by which the page's signer is tested are
// what minio-go signs.
func TestPresignedExamples(t *testing.T) {
	listing := map[string]string{"list-type": "2", "encoding-type": "url", "prefix": "some folder/ä/01JD/"}
	all := []presigned{
		{URL: "https://s3.example.org/meetings/2026/01JD/head", Region: "us-east-1", AccessKey: "AKIAEXAMPLE", SecretKey: "secret/+x", Seconds: 3600},
		{URL: "http://127.0.0.1:9000/b/some%20folder/%C3%A4%3A%2B/01JD/segments/000000.age", Region: "eu-central-1", AccessKey: "A", SecretKey: "S", Token: "to/k+en==", Seconds: 60},
		{URL: "https://meetings.s3.eu-central-1.amazonaws.com/", Query: listing, Region: "eu-central-1", AccessKey: "A", SecretKey: "S", Token: "t", Seconds: 604800},
		{URL: "http://[::1]:9000/b", Query: map[string]string{"continuation-token": "a/b+c=d e~f*(g)!'"}, Region: "x", AccessKey: "A", SecretKey: "S", Token: "t", Seconds: 1},
	}
	synctest.Test(t, func(t *testing.T) {
		for i := range all {
			p := &all[i]
			time.Sleep(31*time.Hour + 7*time.Second) // other days, by the clock of the test
			p.At = time.Now().UnixMilli()
			req, err := http.NewRequest(http.MethodGet, p.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			query := url.Values{}
			for name, value := range p.Query {
				query.Set(name, value)
			}
			req.URL.RawQuery = query.Encode()
			p.Signed = signer.PreSignV4(*req, p.AccessKey, p.SecretKey, p.Token, p.Region, p.Seconds).URL.String()
		}
	})
	want, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/presigned.json"
	if *write {
		if err := os.WriteFile(file, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
		t.Errorf("%s is not what minio-go signs: %v", file, err)
	}
}
