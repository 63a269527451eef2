// People and roles: who signs in and what they may do. An owner's screen.
import { Link2, LogOut, Plus, ShieldCheck, UserCheck, UserX } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Person } from "../../api";
import { listPeopleInfiniteOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { useMoment } from "../../parts/date";
import { Dialog } from "../../parts/dialog";
import { usePages } from "../../parts/pages";
import { Empty } from "../../parts/problem";
import { More, Table } from "../../parts/table";
import { useMe } from "../../session";
import { placeOf } from "./account/lines";
import { Admitting, RoleChange, SigningOut } from "./people/acts";
import { Inviting, NewLink, PersonState } from "./people/inviting";
import "../../words/people";

const PAGE = 50;

export default function Screen() {
  const { t } = useTranslation();
  const [inviting, setInviting] = useState(false);
  const [chosen, setChosen] = useState<Person | null>(null);
  const asked = { query: { limit: PAGE } };
  const pages = usePages(listPeopleInfiniteOptions(asked));
  return (
    <>
      <Head title={t("nav.people")}>
        <Button onClick={() => setInviting(true)}>
          <Plus aria-hidden className="size-4" />
          {t("people.invite")}
        </Button>
      </Head>
      <p className="mb-4 text-soft">{t("people.lead")}</p>
      <Answer of={pages} rows={6}>
        {(people) => {
          return people.length === 0 ? <Empty>{t("people.none")}</Empty> : <People people={people} onChoose={setChosen} />;
        }}
      </Answer>
      <More of={pages} />
      {inviting && <Inviting onClose={() => setInviting(false)} />}
      {chosen && <Changing person={chosen} onClose={() => setChosen(null)} />}
    </>
  );
}

function People({ people, onChoose }: { people: readonly Person[]; onChoose: (person: Person) => void }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const { email } = useMe();
  return (
    <Table
      caption={t("people.caption")}
      rows={people}
      keyOf={(one) => one.id}
      columns={[
        {
          name: "person",
          title: t("people.person"),
          cell: (one) => (
            <>
              <span className="font-medium wrap-anywhere">{one.email}</span> {one.email === email && <span className="text-soft">({t("people.you")})</span>}
              {one.name && <span className="block text-soft">{one.name}</span>}
              <span className="block text-soft sm:hidden">{t(`role.${one.role}`)}</span>
            </>
          ),
        },
        { name: "role", title: t("people.role"), from: "sm", cell: (one) => t(`role.${one.role}`) },
        {
          name: "account",
          title: t("people.account"),
          from: "md",
          cell: (one) => (one.account ? <Link to={placeOf(one.account)} className="break-all text-brand underline">{one.account}</Link> : "–"),
        },
        { name: "state", title: t("people.state"), cell: (one) => <PersonState person={one} /> },
        { name: "seen", title: t("people.seen"), from: "sm", cell: (one) => (one.seen_at ? moment(one.seen_at) : t("people.never")) },
        {
          name: "act",
          title: "",
          figure: true,
          cell: (one) => (
            <Button kind="plain" className="min-h-8 px-3" aria-label={t("people.actOf", { email: one.email })} onClick={() => onChoose(one)}>
              {t("people.act")}
            </Button>
          ),
        },
      ]}
    />
  );
}

/** What can be done with somebody: one window to choose, and then the window of that. */
function Changing({ person, onClose }: { person: Person; onClose: () => void }) {
  const { t } = useTranslation();
  const [what, setWhat] = useState<"role" | "link" | "leave" | "admit" | null>(null);
  if (what === "role") return <RoleChange person={person} onClose={onClose} />;
  if (what === "link") return <NewLink person={person} onClose={onClose} />;
  if (what === "leave") return <SigningOut person={person} onClose={onClose} />;
  if (what === "admit") return <Admitting person={person} onClose={onClose} />;
  const out = person.state === "disabled";
  const ways = [
    { what: "role", icon: ShieldCheck, title: t("people.change") },
    ...(out ? [] : [{ what: "link", icon: Link2, title: t("people.link") } as const, { what: "leave", icon: LogOut, title: t("people.leave") } as const]),
    { what: "admit", icon: out ? UserCheck : UserX, title: t(out ? "people.enable" : "people.disable") },
  ] as const;
  return (
    <Dialog open onClose={onClose} title={person.email} lead={t(`role.${person.role}`)}>
      <div className="grid gap-2">
        {ways.map(({ what: one, icon: Icon, title }) => (
          <Button key={one} kind="plain" className="justify-start" onClick={() => setWhat(one)}>
            <Icon aria-hidden className="size-4" />
            {title}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}
