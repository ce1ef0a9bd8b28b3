package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sealtape/sealtape/archive"
)

func TestLocate(t *testing.T) {
	noEnv(t, map[string]string{"AWS_ENDPOINT_URL": "https://env", "AWS_REGION": "env-1"})
	for location, want := range map[string]Config{
		"b":     {Bucket: "b", Endpoint: "https://env", Region: "env-1"},
		"b/a/c": {Bucket: "b", Prefix: "a/c", Endpoint: "https://env", Region: "env-1"},
		"b/a?endpoint=https%3A%2F%2Fother:9000&region=eu":       {Bucket: "b", Prefix: "a", Endpoint: "https://other:9000", Region: "eu"},
		"b?endpoint=https://other&style=path&class=STANDARD_IA": {Bucket: "b", Endpoint: "https://other", Region: "env-1", Style: "path", Class: "STANDARD_IA"},
		"b?kms=default":                {Bucket: "b", Endpoint: "https://env", Region: "env-1", KMS: true},
		"b?kms=arn:aws:kms:eu:1:key/2": {Bucket: "b", Endpoint: "https://env", Region: "env-1", KMS: true, KMSKey: "arn:aws:kms:eu:1:key/2"},
		"b?retain=90d":                 {Bucket: "b", Endpoint: "https://env", Region: "env-1", Retain: 90 * 24 * time.Hour},
		"b?retain=36h&lock=compliance": {Bucket: "b", Endpoint: "https://env", Region: "env-1", Retain: 36 * time.Hour, Compliance: true},
		"b?retain=1m&lock=governance":  {Bucket: "b", Endpoint: "https://env", Region: "env-1", Retain: time.Minute},
		"b/?":                          {Bucket: "b", Endpoint: "https://env", Region: "env-1"},
	} {
		if got, err := Locate(location); err != nil || got != want {
			t.Errorf("%s: %#v, %v", location, got, err)
		}
	}
	for _, location := range []string{
		"", "/a", "?retain=1d", "b?retain=", "b?retain=0d", "b?retain=1s", "b?retain=-1d", "b?retain=36501d", "b?retain=1e9h", "b?retain=d",
		"b?lock=compliance", "b?retain=1d&lock=for-ever", "b?style=dns", "b?kms=", "b?class=", "b?secret-key=x", "b?retain=1d&retain=2d", "b?a;b", "b?%zz",
	} {
		if got, err := Locate(location); err == nil {
			t.Errorf("%s: %#v", location, got)
		} else if strings.HasSuffix(err.Error(), "which is ") {
			t.Errorf("%s: %v: not said", location, err)
		}
	}
}

// A profile that is named stands over the keys in the environment.
func TestProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[other]\naws_access_key_id = OTHERKEY\naws_secret_access_key = othersecret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	noEnv(t, map[string]string{"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SHARED_CREDENTIALS_FILE": file})
	c, err := FromEnv("b?profile=other")
	if err != nil {
		t.Fatal(err)
	}
	creds, err := c.credentials()
	if err != nil {
		t.Fatal(err)
	}
	if v, err := creds.GetWithContext(nil); err != nil || v.AccessKeyID != "OTHERKEY" || v.SecretAccessKey != "othersecret" {
		t.Errorf("key %s, %v", v.AccessKeyID, err)
	}
	if _, err := FromEnv("b?profile=none"); !errors.Is(err, archive.ErrDenied) {
		t.Errorf("a profile that is not there: %v", err)
	}
}

// temporary asks MinIO for temporary keys, which work for nothing but the policy.
func temporary(t *testing.T, policy string) credentials.Value {
	t.Helper()
	m := server(t)
	creds, err := credentials.NewSTSAssumeRole(m.Endpoint, credentials.STSAssumeRoleOptions{
		AccessKey: m.AccessKey, SecretKey: m.SecretKey, Policy: policy, DurationSeconds: 3600, Location: "us-east-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := creds.GetWithContext(nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Keys of roles, from those who give them out, open a real store.
func TestRoles(t *testing.T) {
	m := server(t)
	v := temporary(t, "")
	expires := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	given := fmt.Sprintf(`{"Code":"Success","AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q}`,
		v.AccessKeyID, v.SecretAccessKey, v.SessionToken, expires)
	var asked []string
	roles := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			io.WriteString(w, "imds-token")
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/":
			io.WriteString(w, "recorder-role")
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/recorder-role" && r.Header.Get("X-Aws-Ec2-Metadata-Token") == "imds-token", r.URL.Path == "/container":
			io.WriteString(w, given)
		case r.Method == http.MethodPost && r.FormValue("WebIdentityToken") == "the-identity" && r.FormValue("RoleArn") == "arn:aws:iam::1:role/recorder":
			fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
				<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>
				</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, v.AccessKeyID, v.SecretAccessKey, v.SessionToken, expires)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer roles.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("the-identity"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, vars := range map[string]map[string]string{
		"web identity": {"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::1:role/recorder", "AWS_ENDPOINT_URL_STS": roles.URL},
		"container":    {"AWS_CONTAINER_CREDENTIALS_FULL_URI": roles.URL + "/container"},
		"instance":     {"AWS_EC2_METADATA_SERVICE_ENDPOINT": roles.URL, "AWS_EC2_METADATA_DISABLED": "false"},
	} {
		t.Run(name, func(t *testing.T) {
			noEnv(t, vars)
			t.Setenv("AWS_EC2_METADATA_DISABLED", vars["AWS_EC2_METADATA_DISABLED"])
			asked = nil
			c, err := FromEnv(bucket + "/roles")
			if err != nil {
				t.Fatal(err)
			}
			c.Endpoint, c.Region = m.Endpoint, "us-east-1" // the instance's is only asked for Amazon's
			if err := open(t, c).Put(t.Context(), "a", archive.BytesBlob([]byte("content"))); err != nil {
				t.Error(err)
			}
			if len(asked) == 0 {
				t.Error("no role was asked for")
			}
		})
	}
	// Who gives nothing is named, and no secret with them.
	noEnv(t, map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::1:role/other", "AWS_ENDPOINT_URL_STS": roles.URL})
	_, err := FromEnv(bucket)
	if !errors.Is(err, archive.ErrDenied) || !strings.Contains(err.Error(), "the web identity gave none") || strings.Contains(err.Error(), "the-identity") {
		t.Errorf("a role that is not given: %v", err)
	}
	// Elsewhere than at Amazon no instance is asked, which would take long.
	noEnv(t, map[string]string{"AWS_ENDPOINT_URL": m.Endpoint, "AWS_EC2_METADATA_SERVICE_ENDPOINT": roles.URL})
	if _, err := FromEnv(bucket); !errors.Is(err, archive.ErrDenied) {
		t.Errorf("keys from nowhere: %v", err)
	}
}

// How a bucket is named in requests.
func TestStyle(t *testing.T) {
	for style, want := range map[string]string{"path": "s3.test /bucket/p/a", "host": "bucket.s3.test /p/a", "": "s3.test /bucket/p/a"} {
		var asked string
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.Host + " " + r.URL.Path
			return nil, errors.New("no network")
		})
		core, err := newCore(Config{Endpoint: "http://s3.test", Region: "r", Bucket: "bucket", Style: style, AccessKey: "a", SecretKey: "s"}, transport)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := core.StatObject(t.Context(), "bucket", "p/a", minio.StatObjectOptions{}); err == nil {
			t.Error("there is a network")
		}
		if asked != want {
			t.Errorf("style %q: asked %s, want %s", style, asked, want)
		}
	}
	if _, err := newCore(Config{Style: "x", AccessKey: "a", SecretKey: "s"}, nil); err == nil {
		t.Error("took a style that there is not")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// How objects are kept is what was asked for, head and segment alike, and what was
// put to try the store is not kept for long.
func TestKept(t *testing.T) {
	t.Parallel()
	c := config(t)
	locked := versioned(t, "kept")
	c.Bucket, c.Prefix, c.Class, c.KMS, c.KMSKey, c.Retain = locked.bucket, "kept", "REDUCED_REDUNDANCY", true, server(t).KMSKey, 90*24*time.Hour
	for _, compliance := range []bool{false, true} {
		c.Compliance = compliance
		c.Prefix = fmt.Sprintf("kept-%t", compliance)
		s := open(t, c)
		if got := verdicts(t, s); len(got) != 1 {
			t.Errorf("got %q", got)
		}
		put(t, s, "ID/head", "1")
		put(t, s, "ID/head", "22")
		if err := s.Put(t.Context(), "ID/segments/000000.age", archive.BytesBlob([]byte("content"))); err != nil {
			t.Fatal(err)
		}
		mode := minio.Governance
		if compliance {
			mode = minio.Compliance
		}
		for _, name := range []string{"ID/head", "ID/segments/000000.age"} {
			info, err := s.core.StatObject(t.Context(), s.bucket, s.prefix+name, minio.StatObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Metadata.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"); !strings.HasSuffix(got, c.KMSKey) {
				t.Errorf("%s: key %q", name, got)
			}
			if got := info.Metadata.Get("X-Amz-Storage-Class"); got != c.Class {
				t.Errorf("%s: class %q", name, got)
			}
			m, until, err := s.core.GetObjectRetention(t.Context(), s.bucket, s.prefix+name, "")
			if err != nil || m == nil || *m != mode || time.Until(*until) < 89*24*time.Hour {
				t.Errorf("%s: retained by %v until %v, %v", name, m, until, err)
			}
		}
		var retained *archive.RetainedError
		if err := s.Purge(t.Context(), "ID/"); !errors.As(err, &retained) || retained.Objects != 3 {
			t.Errorf("removed: %v", err)
		}
		var listErr error
		for v := range s.versions(t.Context(), archive.ScratchPrefix, &listErr) {
			if _, until, err := s.core.GetObjectRetention(t.Context(), s.bucket, v.Key, v.VersionID); err == nil && time.Until(*until) > time.Minute {
				t.Errorf("%s is retained until %v", v.Key, until)
			}
		}
		if listErr != nil {
			t.Error(listErr)
		}
	}
	// A bucket that cannot retain says so.
	c.Bucket = bucket
	if err := open(t, c).Put(t.Context(), "ID/head", archive.BytesBlob(nil)); !errors.Is(err, archive.ErrRefused) || !strings.Contains(err.Error(), "ObjectLock") {
		t.Errorf("a bucket without locks: %v", err)
	}
}
