// The walk through what certificates change: who is let in, and who acts as a user by the name on a certificate.
import { ROOT } from "./steps-auth.ts";
import { step } from "./step.ts";
import type { Section } from "./step.ts";

/** Whose certificate is shown: no user has its name but where the walk makes one. */
export const CLIENT = "walk";

/** Behind a refused handshake etcdctl only waits. */
const SHORT = "--command-timeout=300ms --dial-timeout=300ms";

const CERTIFICATES: Section = {
  title: "certificates",
  steps: [
    step("put secured 1"),
    step(
      `get secured --cacert={certs}/ca.crt --cert={certs}/${CLIENT}.crt --key={certs}/${CLIENT}.key`,
    ),
    step("get secured --insecure-transport=false"),
    step("get secured --cacert={other-certs}/ca.crt --insecure-skip-tls-verify"),
    step(`get secured --cacert={other-certs}/ca.crt ${SHORT}`),
    step(`get secured --cert= --key= ${SHORT}`),
    step(`get secured --cert={other-certs}/root.crt --key={other-certs}/root.key ${SHORT}`),
    step(`get secured --cert={certs}/revoked.crt --key={certs}/revoked.key ${SHORT}`),
    step("get secured --cert={certs}/none.crt"),
    step(`get secured --cert={certs}/${CLIENT}.crt --key=`),
    step("del secured"),
  ],
};

/** `--user=` takes back the user that every call of a walk with auth has. */
const CERTIFIED = "--user=";

const NAMES: Section = {
  title: "the name on a certificate is a user's",
  steps: [
    step(`user add ${CLIENT} --no-password`),
    step("role add certified"),
    step("role grant-permission certified readwrite cn/ --prefix"),
    step(`user grant-role ${CLIENT} certified`),
    step(`user add ${ROOT}`),
    step("role add root"),
    step("user grant-role root root"),
    step("auth enable"),
    step(`${CERTIFIED} put cn/a 1`),
    step(`${CERTIFIED} get cn/a`),
    step(`${CERTIFIED} get cn/ --prefix -w json`),
    step(`${CERTIFIED} put other 1`),
    step(`${CERTIFIED} get other`),
    step(`${CERTIFIED} txn`, { input: "\nput cn/a 2\nget other\n\n\n" }),
    step(`${CERTIFIED} user get ${CLIENT}`),
    step(`${CERTIFIED} user list`),
    step(`${CERTIFIED} auth disable`),
    // One of the CA whose name is nobody's, and a password beside the certificate.
    step(`${CERTIFIED} get cn/a --cert={certs}/stranger.crt --key={certs}/stranger.key`),
    step(`--user=${ROOT} get other`),
    step(`--user=${ROOT} user revoke-role ${CLIENT} certified`),
    step(`${CERTIFIED} get cn/a`),
    step(`--user=${ROOT} auth disable`),
    step("del cn/ --prefix"),
    step("role delete certified"),
    step("role delete root"),
    step(`user delete ${CLIENT}`),
    step("user delete root"),
  ],
};

export const CERTIFICATE_SECTIONS: readonly Section[] = [CERTIFICATES, NAMES];
