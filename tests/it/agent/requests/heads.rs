//! Requests by their head: their rate, path, host and whether there is a token; and those that are answered.

use super::{Row, Sent};

const NOTHING: [&str; 2] = ["", ""];
const NOWHERE: [&str; 2] = ["404 page not found", ""];
const HOST: [&str; 2] = [
    "Access Denied. Called agent through invalid address",
    ", please use either address 169.254.170.23 or [fd00:ec2::23]",
];
const EMPTY: [&str; 2] = ["Service account token cannot be empty", ""];

const fn head(what: &'static str, head: &'static str, status: u16, text: [&'static str; 2]) -> Row {
    Row { what, sent: Sent::Head(head), status, text }
}

/// Those that are refused, in the order in which the agent looks for what is wrong.
pub(super) const REFUSED: [Row; 21] = [
    Row {
        what: "more requests than are answered in a second",
        sent: Sent::TooMany,
        status: 429,
        text: ["Too Many Requests", ""],
    },
    head("`GET /`", "GET / HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n", 404, NOWHERE),
    head(
        "`GET /v1/credentials/`",
        "GET /v1/credentials/ HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n",
        404,
        NOWHERE,
    ),
    head("`GET /v1`", "GET /v1 HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n", 404, NOWHERE),
    head(
        "`GET /V1/credentials`",
        "GET /V1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n",
        404,
        NOWHERE,
    ),
    head(
        "`GET /v2/credentials`",
        "GET /v2/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n",
        404,
        NOWHERE,
    ),
    head(
        "`GET /latest/meta-data`",
        "GET /latest/meta-data HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n",
        404,
        NOWHERE,
    ),
    head(
        "`Host: 127.0.0.1`",
        "GET /v1/credentials HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: TOKEN\r\n",
        403,
        HOST,
    ),
    head(
        "`Host: localhost`",
        "GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: TOKEN\r\n",
        403,
        HOST,
    ),
    head(
        "`Host: rebound.example`",
        "GET /v1/credentials HTTP/1.1\r\nHost: rebound.example\r\nAuthorization: TOKEN\r\n",
        403,
        HOST,
    ),
    head(
        "`Host: 169.254.170.2`",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.2\r\nAuthorization: TOKEN\r\n",
        403,
        HOST,
    ),
    head(
        "`Host: 169.254.169.254`",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.169.254\r\nAuthorization: TOKEN\r\n",
        403,
        HOST,
    ),
    head(
        "`Host: 169.254.170.23.example`",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23.example\r\nAuthorization: TOKEN\r\n",
        403,
        HOST,
    ),
    head(
        "`Host: fd00:ec2::23:80`",
        "GET /v1/credentials HTTP/1.1\r\nHost: fd00:ec2::23:80\r\nAuthorization: TOKEN\r\n",
        403,
        HOST,
    ),
    head(
        "`Host: 169.254.170.23:x`",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23:x\r\nAuthorization: TOKEN\r\n",
        403,
        HOST,
    ),
    head(
        "a whole URL of another host, `http://rebound.example/v1/credentials`",
        "GET http://rebound.example/v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n",
        403,
        HOST,
    ),
    head("HTTP/1.0 without a host", "GET /v1/credentials HTTP/1.0\r\nAuthorization: TOKEN\r\n", 403, HOST),
    head(
        "another host, and no token",
        "GET /v1/credentials HTTP/1.1\r\nHost: rebound.example\r\n",
        403,
        HOST,
    ),
    head("no token", "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\n", 400, EMPTY),
    head(
        "an empty token",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: \r\n",
        400,
        EMPTY,
    ),
    head(
        "a token of blanks",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization:    \r\n",
        400,
        EMPTY,
    ),
];

/// Those that are answered with credentials.
pub(super) const ANSWERED: [Row; 11] = [
    head(
        "what an SDK sends",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "`Host: 169.254.170.23:80`",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23:80\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "`Host: [fd00:ec2::23]`",
        "GET /v1/credentials HTTP/1.1\r\nHost: [fd00:ec2::23]\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "`Host: [fd00:ec2::23]:80`",
        "GET /v1/credentials HTTP/1.1\r\nHost: [fd00:ec2::23]:80\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "a whole URL, `http://169.254.170.23/v1/credentials`",
        "GET http://169.254.170.23/v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "a query, `/v1/credentials?x=y`",
        "GET /v1/credentials?x=y HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "`Accept: application/json` and a `User-Agent`, as of boto3",
        "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAccept: application/json\r\nUser-Agent: Boto3/1.44\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "HTTP/1.0",
        "GET /v1/credentials HTTP/1.0\r\nHost: 169.254.170.23\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "`POST /v1/credentials`",
        "POST /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nContent-Length: 0\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "`PUT /v1/credentials`",
        "PUT /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nContent-Length: 0\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
    head(
        "`DELETE /v1/credentials`",
        "DELETE /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nContent-Length: 0\r\nAuthorization: TOKEN\r\n",
        200,
        NOTHING,
    ),
];
