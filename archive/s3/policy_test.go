package s3

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/sealtape/sealtape/archive"
)

// A key that may do what the policy allows records, and neither it nor who steals
// it can take anything back.
func TestPolicy(t *testing.T) {
	t.Parallel()
	owner := versioned(t, "append-only")
	c := config(t)
	c.Bucket, c.Prefix, c.Retain = owner.bucket, "meetings/2026", time.Hour
	policy, err := c.Policy()
	if err != nil {
		t.Fatal(err)
	}
	v := temporary(t, policy)
	c.AccessKey, c.SecretKey, c.SessionToken = v.AccessKeyID, v.SecretAccessKey, v.SessionToken
	s := open(t, c)
	if got := verdicts(t, s); len(got) != 1 {
		t.Errorf("got %q", got)
	}
	id := archive.NewID()
	for range 2 {
		put(t, s, id+"/head", "head")
		put(t, s, id+"/log/0000", "log")
	}
	for _, name := range []string{"/epochs/000001.age", "/segments/000000.age", "/index/000000.age", "/shares/" + archive.NewID() + ".age"} {
		if err := s.Put(t.Context(), id+name, archive.BytesBlob([]byte("content"))); err != nil {
			t.Error(err)
		}
	}
	segment := id + "/segments/000000.age"
	denied := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, archive.ErrDenied) {
			t.Errorf("%s: got %v, want ErrDenied", what, err)
		}
	}
	if err := s.Put(t.Context(), segment, archive.BytesBlob([]byte("another"))); !errors.Is(err, archive.ErrConflict) {
		t.Errorf("another segment of the same name: %v", err)
	}
	denied("deleting a segment", s.Delete(t.Context(), segment))
	denied("deleting the head", s.Delete(t.Context(), id+"/head"))
	denied("removing the recording", s.Purge(t.Context(), id+"/"))
	denied("an object of no recording", s.Put(t.Context(), id+"/other", archive.BytesBlob(nil)))
	outside := c
	outside.Prefix = "meetings/2025"
	if s, err := Open(t.Context(), outside); !errors.Is(err, archive.ErrDenied) {
		t.Errorf("another prefix: %v", err)
		s.Close()
	}
	// What is overwritten without a condition, which MinIO's policies cannot demand,
	// is still there.
	put(t, s, segment, "overwritten")
	c.AccessKey, c.SecretKey, c.SessionToken = config(t).AccessKey, config(t).SecretKey, ""
	all := open(t, c)
	var listErr error
	var found []string
	for v := range all.versions(t.Context(), segment, &listErr) {
		r, err := all.core.Client.GetObject(t.Context(), all.bucket, v.Key, minio.GetObjectOptions{VersionID: v.VersionID})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, string(b))
	}
	if got := strings.Join(found, " "); listErr != nil || got != "overwritten content" {
		t.Errorf("versions of the segment: %q, %v", got, listErr)
	}
}

// Amazon's policies can demand that nothing is overwritten, and this one does, of
// all but heads and logs.
func TestPolicyAmazon(t *testing.T) {
	c := Config{Bucket: "b", Prefix: "p", KMS: true, KMSKey: "arn:aws:kms:eu-west-1:1:key/2"}
	policy, err := c.Policy()
	if err != nil {
		t.Fatal(err)
	}
	once, rest, _ := strings.Cut(policy, `"ReplaceHeadAndLog"`)
	if !strings.Contains(once, `"s3:if-none-match": "false"`) || !strings.Contains(once, "arn:aws:s3:::b/p/*/segments/*") {
		t.Errorf("segments can be overwritten:\n%s", policy)
	}
	if strings.Contains(rest, "if-none-match") || !strings.Contains(rest, "arn:aws:s3:::b/p/*/log/*") || !strings.Contains(rest, "kms:GenerateDataKey") {
		t.Errorf("head and log:\n%s", policy)
	}
	if strings.Count(policy, "Delete") != 1 {
		t.Errorf("more than what is tried can be deleted:\n%s", policy)
	}
	// Whatever names the key, it may be used, and one that is not named by Amazon alone.
	for key, want := range map[string]string{
		"": `"kms:ViaService"`, "alias/tape": `"kms:ResourceAliases": "alias/tape"`, "1234-5678": `"arn:aws:kms:*:*:key/1234-5678"`,
	} {
		policy, err := Config{Bucket: "b", KMS: true, KMSKey: key}.Policy()
		if err != nil || !strings.Contains(policy, want) || !strings.Contains(policy, `"kms:Decrypt"`) {
			t.Errorf("key %q: %v\n%s", key, err, policy)
		}
		if policy, err := (Config{Bucket: "b", Endpoint: "https://s3.example.org", KMS: true, KMSKey: key}).Policy(); err != nil || strings.Contains(policy, "kms:") {
			t.Errorf("key %q of another server: %v\n%s", key, err, policy)
		}
	}
	if policy, err := (Config{Bucket: "b"}).Policy(); err != nil || strings.Contains(policy, "kms:") {
		t.Errorf("no key: %v\n%s", err, policy)
	}
	for _, c := range []Config{{Bucket: "b", Prefix: "a*"}, {Bucket: "b", Prefix: "${aws:username}"}, {Bucket: "b", Prefix: "a//b"}} {
		if policy, err := c.Policy(); err == nil {
			t.Errorf("%s:\n%s", c.Prefix, policy)
		}
	}
}
