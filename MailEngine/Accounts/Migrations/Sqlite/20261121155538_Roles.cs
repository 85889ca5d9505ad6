using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

#pragma warning disable CA1814 // Prefer jagged arrays over multidimensional

namespace MailEngine.Accounts.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Roles : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_grant_AccountId_DomainId",
                table: "grant");

            migrationBuilder.RenameColumn(
                name: "Permissions",
                table: "grant",
                newName: "SetId");

            migrationBuilder.CreateTable(
                name: "permission_set",
                columns: table => new
                {
                    Id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Name = table.Column<string>(type: "TEXT", maxLength: 60, nullable: false),
                    Permissions = table.Column<int>(type: "INTEGER", nullable: false),
                    IsBuiltIn = table.Column<bool>(type: "INTEGER", nullable: false),
                    Version = table.Column<Guid>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_permission_set", x => x.Id);
                });

            migrationBuilder.InsertData(
                table: "permission_set",
                columns: new[] { "Id", "IsBuiltIn", "Name", "Permissions", "Version" },
                values: new object[,]
                {
                    { 1L, true, "Superuser", 987135, new Guid("00000000-0000-0000-0000-000000000000") },
                    { 2L, true, "Domain master", 1023, new Guid("00000000-0000-0000-0000-000000000000") },
                    { 3L, true, "Helpdesk", 25, new Guid("00000000-0000-0000-0000-000000000000") },
                    { 4L, true, "Auditor", 65543, new Guid("00000000-0000-0000-0000-000000000000") }
                });

            // What was given before there were sets: all on the server made a superuser, all on a domain its master.
            migrationBuilder.Sql("UPDATE \"grant\" SET SetId = CASE WHEN DomainId IS NULL THEN 1 ELSE 2 END");

            migrationBuilder.CreateIndex(
                name: "IX_grant_AccountId_DomainId_SetId",
                table: "grant",
                columns: new[] { "AccountId", "DomainId", "SetId" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_grant_SetId",
                table: "grant",
                column: "SetId");

            migrationBuilder.CreateIndex(
                name: "IX_permission_set_Name",
                table: "permission_set",
                column: "Name",
                unique: true);

            migrationBuilder.AddForeignKey(
                name: "FK_grant_permission_set_SetId",
                table: "grant",
                column: "SetId",
                principalTable: "permission_set",
                principalColumn: "Id",
                onDelete: ReferentialAction.Restrict);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "FK_grant_permission_set_SetId",
                table: "grant");

            migrationBuilder.DropTable(
                name: "permission_set");

            migrationBuilder.DropIndex(
                name: "IX_grant_AccountId_DomainId_SetId",
                table: "grant");

            migrationBuilder.DropIndex(
                name: "IX_grant_SetId",
                table: "grant");

            migrationBuilder.RenameColumn(
                name: "SetId",
                table: "grant",
                newName: "Permissions");

            // Only these two could be said then.
            migrationBuilder.Sql("DELETE FROM \"grant\" WHERE Permissions <> CASE WHEN DomainId IS NULL THEN 1 ELSE 2 END");
            migrationBuilder.Sql("UPDATE \"grant\" SET Permissions = 7");

            migrationBuilder.CreateIndex(
                name: "IX_grant_AccountId_DomainId",
                table: "grant",
                columns: new[] { "AccountId", "DomainId" },
                unique: true);
        }
    }
}
