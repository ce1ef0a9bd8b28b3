package s3

import (
	"errors"
	"testing"

	"github.com/sealtape/sealtape/archive/link"
)

func TestAddress(t *testing.T) {
	for _, tt := range []struct {
		c         Config
		want      string
		hostStyle bool
	}{
		{Config{Endpoint: "http://127.0.0.1:9000", Bucket: "meetings"}, "http://127.0.0.1:9000/meetings", false},
		{Config{Endpoint: "https://S3.example.org/", Bucket: "meetings", Prefix: "some folder/ä:+"}, "https://s3.example.org/meetings/some%20folder/%C3%A4%3A%2B", false},
		{Config{Endpoint: "https://s3.example.org:443", Bucket: "meetings", Prefix: "/2026/"}, "https://s3.example.org/meetings/2026", false},
		{Config{Endpoint: "https://s3.example.org", Bucket: "meetings", Prefix: "a", Style: "host"}, "https://meetings.s3.example.org/a", true},
		{Config{Region: "eu-central-1", Bucket: "meetings", Prefix: "2026"}, "https://meetings.s3.dualstack.eu-central-1.amazonaws.com/2026", true},
		{Config{Region: "eu-central-1", Bucket: "meetings.example.org"}, "https://s3.dualstack.eu-central-1.amazonaws.com/meetings.example.org", false},
	} {
		got, hostStyle, err := tt.c.Address()
		if err != nil || got != tt.want || hostStyle != tt.hostStyle {
			t.Errorf("%v: got %s, %t, %v, want %s", tt.c, got, hostStyle, err, tt.want)
			continue
		}
		// A link names the same place again.
		back, err := fromLink(&link.Invitation{Store: got, Credentials: &link.Credentials{HostStyle: hostStyle, Region: "eu-central-1", AccessKey: "a", SecretKey: "b", Token: "c"}})
		if err != nil {
			t.Errorf("%s: %v", got, err)
			continue
		}
		if again, _, err := back.Address(); err != nil || again != got {
			t.Errorf("%s: got %s, %v", got, again, err)
		}
	}
	if _, _, err := (Config{Bucket: "meetings"}).Address(); !errors.Is(err, ErrNoRegion) {
		t.Errorf("without a region: %v", err)
	}
	if _, _, err := (Config{Endpoint: "ftp://x", Bucket: "meetings"}).Address(); err == nil {
		t.Error("an FTP server has an address")
	}
}
