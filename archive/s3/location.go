package s3

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sealtape/sealtape/archive"
)

// locate returns what Locate returns, and the profile that the location names.
func locate(location string) (c Config, profile string, err error) {
	c.Endpoint = cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))
	c.Region = cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	path, query, _ := strings.Cut(location, "?")
	c.Bucket, c.Prefix, _ = strings.Cut(path, "/")
	if c.Bucket == "" {
		return Config{}, "", errors.New("no bucket is named")
	}
	given, err := url.ParseQuery(query)
	if err != nil {
		return Config{}, "", errors.New("the settings of a bucket are NAME=VALUE, with & in between")
	}
	for name, values := range given {
		if len(values) != 1 {
			return Config{}, "", fmt.Errorf("%s is set twice", name)
		}
		v := values[0]
		ok := v != ""
		switch name {
		case "endpoint":
			c.Endpoint = v
		case "region":
			c.Region = v
		case "profile":
			profile = v
		case "style":
			c.Style = v
			ok = v == "host" || v == "path"
		case "class":
			c.Class = v
		case "kms":
			c.KMS = true
			if v != "default" {
				c.KMSKey = v
			}
		case "retain":
			c.Retain, ok = parseRetain(v)
		case "lock":
			c.Compliance = v == "compliance"
			ok = v == "governance" || v == "compliance"
		default:
			return Config{}, "", fmt.Errorf("%q is no setting of a bucket: there are endpoint, region, profile, style, class, kms, retain and lock", name)
		}
		if !ok {
			return Config{}, "", fmt.Errorf("%q is not what the setting %s can be, which is %s", v, name, settingValues[name])
		}
	}
	if c.Retain == 0 && given.Has("lock") {
		return Config{}, "", errors.New("lock says how to retain, and retain for how long: that is missing")
	}
	return c, profile, nil
}

// settingValues describes the values of settings, for people.
var settingValues = map[string]string{
	"endpoint": "a URL", "region": "a name", "profile": "a name", "style": "host or path", "class": "a storage class",
	"kms": "a key, or default", "retain": "a time of a minute to 100 years, such as 90d or 12h", "lock": "governance or compliance",
}

// maxRetain is a hundred years, the most that some S3 servers allow.
const maxRetain = 36500 * 24 * time.Hour

// parseRetain parses a number of days, such as 90d, or a time.Duration.
func parseRetain(s string) (time.Duration, bool) {
	var d time.Duration
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, false
		}
		d = time.Duration(n) * 24 * time.Hour
	} else {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			return 0, false
		}
	}
	return d, time.Minute <= d && d <= maxRetain
}

// source finds a source of keys where the environment has none.
func source(c Config, profile string) (*credentials.Credentials, error) {
	creds := credentials.NewFileAWSCredentials("", profile)
	// The fault in the files is not reported in detail: a parser quotes the line
	// that it refuses, and these lines are secret.
	if v, err := creds.GetWithContext(nil); err == nil && v.AccessKeyID != "" && v.SecretAccessKey != "" {
		return creds, nil
	}
	if profile != "" {
		return nil, fmt.Errorf("%w: no key of the profile %q in the AWS shared files", archive.ErrDenied, profile)
	}
	role := &credentials.IAM{Client: &http.Client{Timeout: 10 * time.Second}, Region: c.Region}
	var whose string
	switch {
	case os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "":
		whose, role.Endpoint = "the web identity", os.Getenv("AWS_ENDPOINT_URL_STS")
	case os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != "", os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") != "":
		whose = "the container's role"
	case c.Endpoint == "" && !strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true"):
		whose, role.Endpoint = "the instance's role", os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT")
	default:
		return nil, fmt.Errorf("%w: no key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, nor in the AWS shared files", archive.ErrDenied)
	}
	creds = credentials.New(role)
	if _, err := creds.GetWithContext(nil); err != nil {
		return nil, fmt.Errorf("%w: no key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, nor in the AWS shared files, and %s gave none: %w",
			archive.ErrDenied, whose, err)
	}
	return creds, nil
}
