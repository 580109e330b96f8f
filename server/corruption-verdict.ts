// Who is wrong, when members that should be equal are not: the few, where more than half of all agree with each
// other; nobody in particular, where no such majority is there to say so (etcd 3.6 decides alike).

/** What one member shows of its state; equal prints are equal states. */
export interface Print<Id> {
  readonly member: Id;
  readonly print: string;
}

export type Verdict<Id> =
  | { readonly kind: "equal" }
  /** Somebody differs, and nobody can tell who is wrong. */
  | { readonly kind: "undecided" }
  | { readonly kind: "corrupt"; readonly members: readonly Id[] };

/** `memberCount`: of the whole cluster, those that did not answer included. */
export function verdictOf<Id>(prints: readonly Print<Id>[], memberCount: number): Verdict<Id> {
  const groups = new Map<string, Id[]>();
  for (const { member, print } of prints) {
    groups.set(print, [...(groups.get(print) ?? []), member]);
  }
  if (groups.size <= 1) return { kind: "equal" };
  const majority = [...groups].find(([, members]) => members.length * 2 > memberCount);
  if (majority === undefined) return { kind: "undecided" };
  const members = prints.filter(({ print }) => print !== majority[0]).map(({ member }) => member);
  return { kind: "corrupt", members };
}
