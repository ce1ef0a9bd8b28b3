//go:build unix

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/checkup"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A real server passes, and one that does not take the key is told as such.
func TestDoctorS3(t *testing.T) {
	sample.Live(t)
	m := minIO.get(t)
	bucket := "doctor-" + newMark()
	if err := m.Bucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "home")
	for name, value := range map[string]string{
		"SEALTAPE_HOME": home, "SEALTAPE_PASSPHRASE": "", "SEALTAPE_STORE": "", "LIVEKIT_URL": "",
		"AWS_ENDPOINT_URL_S3": m.Endpoint, "AWS_ACCESS_KEY_ID": m.AccessKey, "AWS_SECRET_ACCESS_KEY": m.SecretKey,
		"AWS_SESSION_TOKEN": "", "AWS_REGION": "us-east-1",
	} {
		t.Setenv(name, value)
	}
	h, err := keys.OpenHome(home)
	if err == nil {
		_, err = h.InitAs(keys.Description{Name: "Ada", Role: keys.Recorder}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	doctor := func() (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		e := &ui.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
		app := newApp(e)
		code = e.Exit(app.RunContext(t.Context(), []string{"sealtape", "doctor", "--store", "s3://" + bucket + "/archive"}))
		return code, out.String(), errs.String()
	}
	code, stdout, stderr := doctor()
	for _, want := range []string{"agrees with that of the store's server", "put-if-absent  a name that is taken is refused", "there are none yet"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("does not say %q", want)
		}
	}
	if code != 0 || strings.Contains(stdout, checkup.Failed) {
		t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
	}

	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	code, stdout, _ = doctor()
	if code != 1 || !strings.Contains(stdout, "access denied") || !strings.Contains(stdout, "hint: check AWS_ACCESS_KEY_ID") {
		t.Errorf("wrong key: exit code %d:\n%s", code, stdout)
	}
	if strings.Contains(stdout, m.SecretKey) {
		t.Error("shows the secret key")
	}
}
