package s3

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
)

// noEnv removes what FromEnv reads, and sets what is given.
func noEnv(t *testing.T, vars map[string]string) {
	t.Helper()
	for _, name := range []string{
		"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_ENDPOINT_URL_STS", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	} {
		t.Setenv(name, vars[name])
	}
	t.Setenv("HOME", t.TempDir())
	if vars["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == "" {
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true") // wherever the test runs
	}
}

func TestFromEnv(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	err := os.WriteFile(file, []byte("[default]\naws_access_key_id = FILEKEY\naws_secret_access_key = filesecret\n"+
		"[other]\naws_access_key_id = OTHERKEY\naws_secret_access_key = othersecret\naws_session_token = othertoken\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name                                 string
		vars                                 map[string]string
		endpoint, region, key, secret, token string
		denied                               bool
	}{
		{name: "all", vars: map[string]string{
			"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000", "AWS_ENDPOINT_URL": "http://not.this", "AWS_REGION": "eu-west-1",
			"AWS_DEFAULT_REGION": "not-this", "AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
			"AWS_SHARED_CREDENTIALS_FILE": file,
		}, endpoint: "http://127.0.0.1:9000", region: "eu-west-1", key: "KEY", secret: "secret", token: "token"},
		{name: "second choice", vars: map[string]string{
			"AWS_ENDPOINT_URL": "https://s3.example", "AWS_DEFAULT_REGION": "eu-west-2", "AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "secret",
		}, endpoint: "https://s3.example", region: "eu-west-2", key: "KEY", secret: "secret"},
		{name: "file", vars: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file}, key: "FILEKEY", secret: "filesecret"},
		{name: "profile", vars: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_PROFILE": "other"},
			key: "OTHERKEY", secret: "othersecret", token: "othertoken"},
		{name: "nothing", denied: true},
		{name: "half a key", vars: map[string]string{"AWS_ACCESS_KEY_ID": "KEY", "AWS_SHARED_CREDENTIALS_FILE": file}, denied: true},
		{name: "other half", vars: map[string]string{"AWS_SECRET_ACCESS_KEY": "secret"}, denied: true},
		{name: "missing file", vars: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file + "x"}, denied: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			noEnv(t, tt.vars)
			c, err := FromEnv("bucket/a/b")
			if tt.denied {
				if !errors.Is(err, archive.ErrDenied) {
					t.Errorf("got %v, want ErrDenied", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Bucket != "bucket" || c.Prefix != "a/b" || c.Endpoint != tt.endpoint || c.Region != tt.region {
				t.Errorf("got %v, region %s", c, c.Region)
			}
			creds, err := c.credentials()
			if err != nil {
				t.Fatal(err)
			}
			v, err := creds.GetWithContext(nil)
			if err != nil || v.AccessKeyID != tt.key || v.SecretAccessKey != tt.secret || v.SessionToken != tt.token {
				t.Errorf("got key %s, secret %s, token %s, %v", v.AccessKeyID, v.SecretAccessKey, v.SessionToken, err)
			}
		})
	}
}

// What FromEnv returns opens a store.
func TestFromEnvOpen(t *testing.T) {
	noEnv(t, map[string]string{
		"AWS_ENDPOINT_URL": server(t).Endpoint + "/", "AWS_ACCESS_KEY_ID": server(t).AccessKey, "AWS_SECRET_ACCESS_KEY": server(t).SecretKey,
	})
	c, err := FromEnv(bucket + "//from/env/")
	if err != nil {
		t.Fatal(err)
	}
	if s := open(t, c); s.prefix != "from/env/" {
		t.Errorf("prefix is %q", s.prefix)
	}
}

func TestConfigRefused(t *testing.T) {
	for _, c := range []Config{
		{Bucket: "bucket", Endpoint: "127.0.0.1:9000"},
		{Bucket: "bucket", Endpoint: "ftp://host"},
		{Bucket: "bucket", Endpoint: "https://"},
		{Bucket: "bucket", Endpoint: "https://host/path"},
		{Bucket: "bucket", Endpoint: "https://user:password@host"},
		{Bucket: "bucket", Endpoint: "https://host?query"},
		{Bucket: "bucket", Endpoint: "://password@"},
		{Bucket: "bucket", Prefix: "a//b"},
		{Bucket: "bucket", Prefix: "../b"},
		{Bucket: "bucket", Prefix: "a\nb"},
		{Bucket: "bucket", Prefix: "\xff"},
		{Bucket: "bucket", Prefix: strings.Repeat("a", 513)},
		{Bucket: "", Endpoint: server(t).Endpoint},
		{Bucket: "a/b", Endpoint: server(t).Endpoint},
	} {
		c.AccessKey, c.SecretKey = "key", "secret"
		s, err := Open(t.Context(), c)
		if err == nil {
			s.Close()
			t.Errorf("%+v was accepted", c)
		} else if strings.Contains(err.Error(), "password") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
}

// However a Config is printed, its keys are not.
func TestConfigKeepsSecrets(t *testing.T) {
	c := Config{Bucket: "bucket", Prefix: "prefix", AccessKey: "theaccesskey", SecretKey: "thesecretkey", SessionToken: "thetoken"}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s %v %+v\n", c, c, c, c, &c, []Config{c})
	slog.New(slog.NewTextHandler(&out, nil)).Info("", "config", c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("", "config", c, "in", struct{ C Config }{c})
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "bucket"); got < 9 {
		t.Errorf("the bucket is shown %d times", got)
	}
	for _, secret := range []string{c.AccessKey, c.SecretKey, c.SessionToken} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("shown: %s", out.String())
		}
	}
}
