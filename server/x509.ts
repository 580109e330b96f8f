// The library of certificates, loaded by who makes them or reads revocation lists. It refuses to load without its
// metadata shim before it.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

export { x509 };
