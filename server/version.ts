// What this release calls itself.

/** As in package.json; a test compares. */
export const HANSA_VERSION = "0.1.0";

/** The etcd API that is spoken; clients decide by it what they may ask. */
export const ETCD_API_VERSION = "3.4.0";

/** For clients of etcd, which parse it: the API's version, this release as build metadata (semver 10). */
export const SERVER_VERSION = `${ETCD_API_VERSION}+hansa.${HANSA_VERSION}`;
