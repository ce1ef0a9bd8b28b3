package s3

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sealtape/sealtape/archive"
)

// A Config says where a bucket is, who asks, and how objects are kept there. It
// prints without its secrets.
type Config struct {
	// Endpoint is the server's URL, http or https, without a path. Empty means
	// Amazon S3. Over http anyone on the way sees the names and sizes of the
	// objects, which are sealed, and can delay requests, which are signed.
	Endpoint string
	// Region is the bucket's region. Empty means to ask the server, for which
	// not every key has the permission.
	Region string
	// Bucket must exist. It may hold other things beside the archive.
	Bucket string
	// Prefix comes before each object's name, with a slash in between; empty for
	// none. It may itself have slashes, but no empty, "." or ".." elements.
	Prefix string

	// Style says how the bucket is named in requests: "host" for a name before
	// that of the server, "path" for one in the path; empty for what the server
	// is known to want.
	Style string
	// Class is the storage class of objects, such as STANDARD_IA; empty for the
	// bucket's own.
	Class string
	// KMS makes the server encrypt what it stores once more, by SSE-KMS, under
	// the key KMSKey; empty for the bucket's own.
	KMS    bool
	KMSKey string
	// Retain is how long nobody may remove or change an object, from when it is
	// put; 0 for no retention but the bucket's own. The bucket must have object
	// lock. Objects below archive.ScratchPrefix are retained for a minute.
	Retain time.Duration
	// Compliance retains objects from everyone. Otherwise governance does, from
	// all but those with the permission s3:BypassGovernanceRetention.
	Compliance bool

	// AccessKey and SecretKey sign the requests; SessionToken goes with temporary
	// ones. All empty is for a Config from FromEnv only.
	AccessKey    string `json:"-"`
	SecretKey    string `json:"-"`
	SessionToken string `json:"-"`

	// source gives keys, and others when they have expired.
	source *credentials.Credentials
}

// FromEnv returns the Config for a location, which is BUCKET/PREFIX?SETTINGS. Each
// setting is NAME=VALUE, with & in between:
//
//	endpoint, region   in place of what the environment says
//	profile            of the AWS shared files, whatever keys the environment has
//	style              host or path
//	class              a storage class
//	kms                the ID of a key, or default
//	retain             how long, such as 90d or 12h
//	lock               governance, which retain means without it, or compliance
//
// All else is as the environment has it for other S3 tools: AWS_ENDPOINT_URL_S3 or
// else AWS_ENDPOINT_URL; AWS_REGION or else AWS_DEFAULT_REGION. The keys are, in
// this order,
//
//   - AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN;
//   - of the profile AWS_PROFILE in the AWS shared files: ~/.aws/credentials and
//     ~/.aws/config, or where AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE say;
//   - a web identity's, by AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, from
//     AWS_ENDPOINT_URL_STS or else Amazon's;
//   - a container's role, by AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI;
//   - with Amazon S3, the role of the instance, unless AWS_EC2_METADATA_DISABLED is
//     true, from AWS_EC2_METADATA_SERVICE_ENDPOINT or else Amazon's.
//
// Those of roles are renewed before they expire. Without any the error wraps
// archive.ErrDenied.
func FromEnv(location string) (Config, error) {
	c, profile, err := locate(location)
	if err != nil {
		return Config{}, err
	}
	if profile == "" {
		c.AccessKey, c.SecretKey, c.SessionToken = os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		return Config{}, fmt.Errorf("%w: only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set", archive.ErrDenied)
	}
	if c.AccessKey == "" {
		c.SessionToken = ""
		if c.source, err = source(c, profile); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

// Locate is FromEnv without keys: nothing but the location and the environment is
// looked at.
func Locate(location string) (Config, error) {
	c, _, err := locate(location)
	return c, err
}

// String returns where the bucket is and how long what is put there is retained,
// without the keys.
func (c Config) String() string {
	s := fmt.Sprintf("s3://%s/%s at %s", c.Bucket, c.Prefix, cmp.Or(c.Endpoint, "Amazon S3"))
	if c.Retain > 0 {
		lock := "governance"
		if c.Compliance {
			lock = "compliance"
		}
		s += fmt.Sprintf(", retained for %v under %s", c.Retain, lock)
	}
	return s
}

// GoString is String, so that %#v shows no keys either.
func (c Config) GoString() string { return c.String() }

// LogValue is String, for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// credentials returns what signs the requests.
func (c Config) credentials() (*credentials.Credentials, error) {
	switch {
	case c.AccessKey != "" && c.SecretKey != "":
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken), nil
	case c.AccessKey == "" && c.SecretKey == "" && c.source != nil:
		return c.source, nil
	}
	return nil, fmt.Errorf("%w: no access key and secret key given", archive.ErrDenied)
}

// endpoint returns the server's host and whether it speaks TLS.
func (c Config) endpoint() (host string, secure bool, err error) {
	if c.Endpoint == "" {
		return "s3.amazonaws.com", true, nil // minio-go goes on to the region's host
	}
	u, err := url.Parse(c.Endpoint)
	// The error of Parse quotes the URL, which may hold a password.
	if err != nil || u.User != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false, errors.New("the S3 endpoint must be of the form https://HOST or http://HOST:PORT")
	}
	return u.Host, u.Scheme == "https", nil
}

// keyPrefix returns what comes before each object's name.
func (c Config) keyPrefix() (string, error) {
	prefix := strings.Trim(c.Prefix, "/")
	if prefix == "" {
		return "", nil
	}
	if len(prefix) > 512 || !utf8.ValidString(prefix) {
		return "", fmt.Errorf("the S3 prefix must be UTF-8 of at most 512 bytes: %w", fs.ErrInvalid)
	}
	for elem := range strings.SplitSeq(prefix, "/") {
		if elem == "" || elem == "." || elem == ".." || strings.ContainsFunc(elem, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", fmt.Errorf("the S3 prefix %q has an element that is empty, a dot, or not printable: %w", c.Prefix, fs.ErrInvalid)
		}
	}
	return prefix + "/", nil
}
