// Who asks for something, as far as it is known: what the state machine authorises, and a command carries.

export type Caller =
  /** The server itself, for what is its own to do: nobody's rights apply. */
  | { readonly kind: "server" }
  /** Has shown nothing: may do everything while auth is off, and nothing that needs a right while it is on. */
  | { readonly kind: "nobody" }
  | {
      readonly kind: "user";
      readonly name: string;
      /** Of the auth state in which this was found to be that user. */
      readonly authRevision: number;
    };

/** Never for a client's call: whatever is asked in its name is done. */
export const OWN_AUTHORITY: Caller = Object.freeze({ kind: "server" });
export const NOBODY: Caller = Object.freeze({ kind: "nobody" });
