// What stands at which address: the way in, and every place, for whoever may go there.
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { createBrowserRouter, Link, Navigate, RouterProvider, useRouteError } from "react-router";

import { Head, Vacant } from "./parts/card";
import { useReturn } from "./parts/live";
import { Failed, Loading } from "./parts/problem";
import { Shell } from "./parts/shell";
import { HOUSE, may, MINE, type Place } from "./places";
import FirstOwner from "./screens/first-owner";
import SignIn, { Enter } from "./screens/sign-in";
import { SignedIn, useMe } from "./session";

/** A place, for who may see it; who has no account of their own begins at the house's. */
function At({ path, name, role, Screen }: Place) {
  const { t } = useTranslation();
  const me = useMe();
  if (!may(me, role)) {
    return (
      <Vacant title={t("state.noEntry")}>
        {t("state.forbidden")} <Home />
      </Vacant>
    );
  }
  if (path === "/" && me.account === null && may(me, "auditor")) return <Navigate to="/operator" replace />;
  return (
    <Suspense fallback={<Coming name={name} />}>
      <Screen />
    </Suspense>
  );
}

function Coming({ name }: Pick<Place, "name">) {
  const { t } = useTranslation();
  return (
    <>
      <Head title={t(name ? `nav.${name}` : "state.loading")} />
      <Loading />
    </>
  );
}

function Home() {
  const { t } = useTranslation();
  return (
    <Link to="/" className="text-brand underline">
      {t("state.home")}
    </Link>
  );
}

function Nowhere() {
  const { t } = useTranslation();
  return (
    <Vacant title={t("state.nowhere")}>
      {t("state.missing")} <Home />
    </Vacant>
  );
}

/** Stands for a screen that could not be loaded or shown: loading it again mends the one, and says the other. */
function Broken() {
  const { t } = useTranslation();
  const error = useRouteError();
  const lost = error instanceof TypeError && error.message.includes("import");
  useReturn(lost);
  return (
    <>
      <Head title={t("state.brokenTitle")} />
      <Failed error={lost ? error : { title: t("state.failed"), detail: t("state.broken"), status: 0 }} again={() => location.reload()} />
    </>
  );
}

const inside = {
  element: (
    <SignedIn>
      <Shell />
    </SignedIn>
  ),
  children: [
    ...[...MINE, ...HOUSE].map((place) => ({
      path: place.path,
      element: <At key={place.path} {...place} />,
      errorElement: <Broken />,
    })),
    { path: "*", element: <Nowhere /> },
  ],
};

/** What is said where not even the frame could be shown. */
const OUTSIDE = (
  <main className="mx-auto max-w-md px-4 py-10">
    <Broken />
  </main>
);

const router = createBrowserRouter(
  [
    { path: "/sign-in", element: <SignIn />, errorElement: OUTSIDE },
    { path: "/welcome", element: <Enter />, errorElement: OUTSIDE },
    { path: "/owner", element: <FirstOwner />, errorElement: OUTSIDE },
    { ...inside, errorElement: OUTSIDE },
  ],
  { basename: "/app" },
);

export function App() {
  return <RouterProvider router={router} />;
}
